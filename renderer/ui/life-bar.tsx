const day = 86_400_000
const tickDays = [30, 14, 7]

/**
 * The life of a key: what is left of it, today, and the days at which its end is told of. Times in ms since the epoch.
 * `label` is one sentence that holds the numbers.
 */
export function LifeBar({
  from,
  until,
  now,
  needsAttention,
  label,
  plain = false,
}: {
  from: number
  until: number
  now: number
  needsAttention: boolean
  label: string
  /** Without today and the ticks, for a narrow place. */
  plain?: boolean
}) {
  const share = (at: number): string => {
    const part = until > from ? (at - from) / (until - from) : 1
    return `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`
  }
  const ticks = plain ? [] : tickDays.map(days => until - days * day).filter(at => at > from)
  return (
    <span className={needsAttention ? 'life wants' : 'life'} role="img" aria-label={label}>
      <i className="left" style={{ left: share(now) }} />
      {ticks.map(at => (
        <i key={at} className="tick" style={{ left: share(at) }} />
      ))}
      {!plain && <i className="today" style={{ left: share(now) }} />}
    </span>
  )
}
