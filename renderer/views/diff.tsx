const spoken = { '+': 'added', '-': 'removed' } as const

/** A unified diff as it is; what comes and what goes is told by its sign and its colour. */
export function Diff({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll
    <section className="excerpt diff" aria-label={label} tabIndex={0}>
      {lines.map((line, index) => {
        const sign = line.charAt(0)
        const isChange = (sign === '+' || sign === '-') && !/^(\+\+\+|---) /.test(line)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines may repeat, and never change places
          <code key={index} className={isChange ? (sign === '+' ? 'comes' : 'goes') : ''}>
            {isChange && <span className="vh">{spoken[sign as '+' | '-']}: </span>}
            {line === '' ? ' ' : line}
          </code>
        )
      })}
    </section>
  )
}
