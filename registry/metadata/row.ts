/** A row as SQLite answers it. */
export type Row = Readonly<Record<string, unknown>>

/** Columns whose types the schema guarantees; a file that breaks it is a damaged file. */
export function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new Error(`column ${column} holds no text`)
  return value
}

export function numberOf(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new Error(`column ${column} holds no number`)
  return value
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column)
}

export function optionalNumber(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column)
}

/** A list of texts kept as JSON. */
export function textsOf(row: Row, column: string): string[] {
  const value: unknown = JSON.parse(textOf(row, column))
  if (!Array.isArray(value)) throw new Error(`column ${column} holds no list`)
  return value.filter((item): item is string => typeof item === 'string')
}
