import { metOf, type Row, ratioOf, type Target, type Unit } from './figure.ts'
import type { Summary } from './stats.ts'

/** A number with its unit, to three figures: "0.213 s", "9,400 /s". */
export function value(number: number, unit: Unit): string {
  const size = Math.abs(number)
  const digits = size >= 100 || number === 0 || unit === 'count' ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  const text = number.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return unit === 'count' ? text : `${text} ${unit}`
}

function measured(side: Summary | undefined, unit: Unit): string {
  if (!side) return '-'
  const spread = side.samples.length > 1 ? ` (${range(side)})` : ''
  return `${value(side.median, unit)}${spread}`
}

/** The spread of the rounds, without the unit. */
function range(side: Summary): string {
  const [least, most] = [value(side.least, 'ms'), value(side.most, 'ms')].map(text => text.replace(' ms', ''))
  return least === most ? 'all the same' : `${least}..${most}`
}

function aimedAt(target: Target | undefined, unit: Unit): string {
  switch (target?.kind) {
    case undefined:
      return ''
    case 'at-most':
      return `<= ${value(target.value, unit)}`
    case 'at-least':
      return `>= ${value(target.value, unit)}`
    case 'times-peer':
      return `>= ${target.value}x peer`
  }
}

/** The rows as lines of text, columns aligned; notes follow the table, numbered. */
export function table(rows: readonly Row[]): string {
  const notes = [...new Set(rows.flatMap(row => row.note ?? []))]
  const cells = rows.map(row => {
    const ratio = ratioOf(row)
    const mark = row.note === undefined ? '' : ` [${notes.indexOf(row.note) + 1}]`
    return [
      row.name + mark,
      measured(row.ours, row.unit),
      row.ours && row.ours.samples.length > 1 ? value(row.ours.p99, row.unit) : '',
      measured(row.peer, row.unit),
      ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
      aimedAt(row.target, row.unit),
      metOf(row) ?? '',
    ]
  })
  const head = ['figure', 'ours: median (spread)', 'p99', 'peer: median (spread)', 'ratio', 'target', 'met?']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map(line => line[i]?.length ?? 0)))
  const print = (line: string[]): string =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  const rule = widths.map(width => '-'.repeat(width)).join('  ')
  return [print(head), rule, ...cells.map(print), ...notes.map((note, i) => `[${i + 1}] ${note}`)].join('\n')
}
