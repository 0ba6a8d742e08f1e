import type { ReactNode } from 'react'

/** One row of the popover: glyph column, title with a label at its end, details below on the same edge. */
export function Row({
  name,
  glyph,
  title,
  label,
  children,
}: {
  name: string
  glyph: ReactNode
  title: ReactNode
  label?: ReactNode
  children?: ReactNode
}) {
  return (
    <section className="r" aria-label={name}>
      {glyph}
      <div className="cols">
        <h2 className="t">{title}</h2>
        {label !== undefined && <p className="label">{label}</p>}
      </div>
      {children}
    </section>
  )
}
