const pad = 3

/** A line of samples [time, value], oldest first; `label` is one sentence that holds the numbers. */
export function Sparkline({
  samples,
  label,
  width = 88,
  height = 24,
}: {
  samples: [number, number][]
  label: string
  width?: number
  height?: number
}) {
  const points = scale(samples, width, height)
  const last = points.at(-1)
  if (!last) return null
  const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join(' ')
  return (
    <svg
      className="spark"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
    >
      <path
        d={`M${line} V${height} H${points[0]?.[0].toFixed(1)} Z`}
        fill="var(--data-area-private)"
        opacity=".55"
      />
      <path
        d={`M${line}`}
        fill="none"
        stroke="var(--data-private)"
        strokeWidth="1.4"
        strokeLinejoin="round"
      />
      <circle cx={last[0]} cy={last[1]} r="2" fill="var(--data-private)" />
    </svg>
  )
}

/** Fits samples into the box; a flat line lies in the middle. */
export function scale(samples: [number, number][], width: number, height: number): [number, number][] {
  const times = samples.map(([at]) => at)
  const values = samples.map(([, value]) => value)
  const [from, to, low, high] = [
    Math.min(...times),
    Math.max(...times),
    Math.min(...values),
    Math.max(...values),
  ]
  const across = width - 2 * pad
  const up = height - 2 * pad
  return samples.map(([at, value]) => [
    pad + (to === from ? across : ((at - from) / (to - from)) * across),
    high === low ? height / 2 : height - pad - ((value - low) / (high - low)) * up,
  ])
}
