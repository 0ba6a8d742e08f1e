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

/** How much is done of what is under way. `words` say it in units. */
export function Meter({
  label,
  done,
  total,
  words,
}: {
  label: string
  done: number
  total: number
  words: string
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
      aria-valuetext={words}
    >
      <i style={{ width: `${share.toFixed(1)}%` }} />
    </div>
  )
}

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
