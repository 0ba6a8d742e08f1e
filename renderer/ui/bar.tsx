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
