import type { ScrubRow } from './scrub.ts'

const headings = ['REPOSITORY', 'TAG', 'STATUS', 'AFFECTED BLOB', 'ERROR'] as const

/** The rows as a table with zot's columns. */
export function printScrubTable(rows: readonly ScrubRow[]): string {
  const cells = rows.map(row => [row.repository, row.tag, row.status, row.blob, row.error])
  const widths = headings.map((heading, at) =>
    cells.reduce((widest, row) => Math.max(widest, row[at]?.length ?? 0), heading.length),
  )
  return [headings, ...cells]
    .map(row =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
