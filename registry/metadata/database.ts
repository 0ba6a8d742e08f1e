import { chmodSync, closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/**
 * `full`: what was committed outlives a power cut. `normal`: the last seconds may be lost, nothing breaks. `off`: a power
 * cut may break the file, and no write waits for the disk.
 */
export type Durability = 'full' | 'normal' | 'off'

export interface DatabaseOptions {
  readonly durability: Durability
  /** SQL that leads from one version to the next; never changed once released, only added to. */
  readonly versions: readonly string[]
}

export type OpenDatabase = { ok: true; database: DatabaseSync } | { ok: false; message: string }

/**
 * Opens a metadata file (0600), made new or brought to the current version. One process at a time: the
 * data folder's lock sees to that.
 */
export function openDatabase(file: string, { durability, versions }: DatabaseOptions): OpenDatabase {
  let database: DatabaseSync | undefined
  try {
    // Only this one: where the data folder above it is gone, nothing takes its place.
    if (!existsSync(dirname(file))) mkdirSync(dirname(file), { mode: 0o700 })
    // Made here for its mode: SQLite gives its journals the mode of the file.
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
    database = new DatabaseSync(file, { timeout: 5000 })
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability}; PRAGMA foreign_keys = ON`)
    const found = database.prepare('PRAGMA user_version').get()?.['user_version']
    const version = typeof found === 'number' ? found : 0
    if (version > versions.length) {
      database.close()
      return { ok: false, message: `${file} was written by a newer version of this program` }
    }
    for (const [at, sql] of versions.entries()) {
      if (at >= version) database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${at + 1}; COMMIT`)
    }
    return { ok: true, database }
  } catch (error) {
    database?.close()
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, message: `${file} cannot be used: ${why}` }
  }
}

/**
 * A metadata file that holds nothing but what can be found out again: no write of it waits for the disk, and one that
 * cannot be used is thrown away once. `probe` is run each time, so that damage shows here.
 */
export function openExpendable(
  file: string,
  { versions, probe }: { versions: DatabaseOptions['versions']; probe: string },
): OpenDatabase {
  const open = (): OpenDatabase => {
    const opening = openDatabase(file, { durability: 'off', versions })
    if (!opening.ok) return opening
    try {
      opening.database.prepare(probe).all()
      return opening
    } catch (error) {
      opening.database.close()
      return { ok: false, message: `${file} cannot be used: ${String(error)}` }
    }
  }
  const first = open()
  if (first.ok) return first
  try {
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  } catch {
    return first
  }
  return open()
}

/**
 * Opens for reading a file that was brought to its current version before. What it does never waits for the disk to
 * take something.
 */
export const openReader = (file: string): DatabaseSync =>
  new DatabaseSync(file, { readOnly: true, timeout: 5000 })

/** What the thread that writes is asked for. */
export interface WriterJob {
  readonly id: number
  readonly file: string
  readonly durability: Durability
  readonly statements: readonly Statement[]
}

export interface Statement {
  readonly sql: string
  readonly values: readonly (string | number | null)[]
}

/** All or nothing. */
export function runAll(database: DatabaseSync, statements: readonly Statement[]): void {
  transaction(database, () => {
    const prepared = new Map<string, StatementSync>()
    for (const { sql, values } of statements) {
      const statement = prepared.get(sql) ?? database.prepare(sql)
      prepared.set(sql, statement)
      statement.run(...values)
    }
  })
}

/** All or nothing. What `work` throws is thrown on. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

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
