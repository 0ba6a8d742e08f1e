/** How full: the used share against the free one. `label` is one sentence that holds the numbers. */
export function Bar({ used, free, label }: { used: number; free: number; label: string }) {
  const share = used + free > 0 ? (used / (used + free)) * 100 : 0
  return (
    <div className="bar" role="img" aria-label={label}>
      {used > 0 && <i className="private" style={{ width: `${share.toFixed(2)}%` }} />}
    </div>
  )
}

/** What the colours of a bar stand for, with their amounts. */
export function Legend({ items }: { items: { colour: 'private' | 'free'; text: string }[] }) {
  return (
    <ul className="legend">
      {items.map(item => (
        <li key={item.colour}>
          <span className={`sw ${item.colour}`} />
          {item.text}
        </li>
      ))}
    </ul>
  )
}

/** How much of a running step is done. `text` is the same with units. */
export function Meter({
  label,
  done,
  total,
  text,
}: {
  label: string
  done: number
  total: number
  text: string
}) {
  const share = total > 0 ? Math.min(1, done / total) * 100 : 0
  return (
    <div
      className="bar meter"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={Math.min(done, total)}
      aria-valuetext={text}
    >
      <i style={{ width: `${share.toFixed(1)}%` }} />
    </div>
  )
}

const day = 86_400_000
const tickDays = [30, 14, 7]

/**
 * The lifetime of a key: what is left, today, and the days of its notices. Times in ms since the epoch.
 * `label` is one sentence that holds the numbers.
 */
export function LifeBar({
  from,
  endsAt,
  now,
  needsAttention,
  label,
  compact = false,
}: {
  from: number
  endsAt: number
  now: number
  needsAttention: boolean
  label: string
  /** Without today and the ticks, for a narrow column. */
  compact?: boolean
}) {
  const share = (at: number): string => {
    const fraction = endsAt > from ? (at - from) / (endsAt - from) : 1
    return `${(Math.min(1, Math.max(0, fraction)) * 100).toFixed(2)}%`
  }
  const ticks = compact ? [] : tickDays.map(days => endsAt - days * day).filter(at => at > from)
  return (
    <span className={needsAttention ? 'life wants' : 'life'} role="img" aria-label={label}>
      <i className="left" style={{ left: share(now) }} />
      {ticks.map(at => (
        <i key={at} className="tick" style={{ left: share(at) }} />
      ))}
      {!compact && <i className="today" style={{ left: share(now) }} />}
    </span>
  )
}
