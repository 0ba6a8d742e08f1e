import type { ReactNode } from 'react'

/** A time as people say it, with the exact one as its tooltip. `at` in ms since the epoch. */
export function Time({ at, exact, children }: { at: number; exact: string; children: ReactNode }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={exact}>
      {children}
    </time>
  )
}
