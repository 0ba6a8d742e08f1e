import { Fragment, type ReactNode } from 'react'

/** A time as people say it, with the exact one as its tooltip. `at` in ms since the epoch. */
export function Time({ at, exact, children }: { at: number; exact: string; children: ReactNode }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={exact}>
      {children}
    </time>
  )
}

const moving = /(\d[\d.,]*\u00a0(?:s|ms|min|h|d)\b)/

/**
 * Text inside a live region that contains running times: these are not announced, so that a screen reader speaks when
 * the text changes and not every second.
 */
export function Ticking({ text }: { text: string }) {
  return text.split(moving).map((piece, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts have no other identity, and their order is fixed
      <span key={index} aria-live="off" className="nowrap">
        {piece}
      </span>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: as above
      <Fragment key={index}>{piece}</Fragment>
    ),
  )
}
