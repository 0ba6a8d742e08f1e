import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  numberOf,
  openDatabase,
  openReader,
  optionalNumber,
  optionalText,
  type Row,
  type Statement,
  textOf,
} from './database.ts'
import type { DatabaseWriter, WriterThread } from './writer.ts'

/** What is known of a tag or digest; times in ms since the epoch. */
export interface Activity {
  readonly pulls: number
  readonly lastPulled?: number
  readonly pushedAt?: number
  readonly pushedBy?: string
}

const versions = [
  `CREATE TABLE activity (
     repository TEXT NOT NULL,
     reference TEXT NOT NULL,
     pulls INTEGER NOT NULL,
     last_pulled INTEGER,
     pushed_at INTEGER,
     pushed_by TEXT,
     PRIMARY KEY (repository, reference)
   ) STRICT, WITHOUT ROWID`,
]

export type OpenActivity =
  | { readonly ok: true; readonly database: DatabaseSync; readonly writer: DatabaseWriter }
  | { readonly ok: false; readonly message: string }

/** `folder` is `<root>/_zotbar`. Its `database` is for reading alone: what is written goes through the thread. */
export function openActivity(folder: string, thread: WriterThread): OpenActivity {
  const file = join(folder, 'activity.db')
  const opened = openDatabase(file, { durability: 'normal', versions })
  if (!opened.ok) return opened
  opened.database.close()
  try {
    return { ok: true, database: openReader(file), writer: thread.writer(file, 'normal') }
  } catch (error) {
    return { ok: false, message: `${file} cannot be read: ${String(error)}` }
  }
}

/** What happened since it was last written, per reference. */
interface PendingActivity {
  readonly repository: string
  readonly reference: string
  pulls: number
  lastPulled: number | undefined
  pushedAt: number | undefined
  pushedBy: string | undefined
}

/** What the disk is to say of a reference, and does not say for sure before this is written. */
interface PendingWrite {
  readonly repository: string
  readonly reference: string
  /** Undefined: deleted. */
  readonly activity: Activity | undefined
}

/** News are written together, ms. */
const flushAfterMs = 3000
/** Written earlier when there are so many. */
const writeEarlyFrom = 20_000
/** While the disk takes nothing, the oldest beyond this are lost. */
const defaultMaxPending = 100_000
/** Rows per transaction. */
const rowsPerWrite = 500

/**
 * Counts pulls and remembers pushes. A pull costs a look into a map; the disk hears of many at once, and a slow one
 * holds nobody up. A power cut loses the last seconds of counting and nothing else.
 */
export class Pulls {
  readonly #one: StatementSync
  readonly #all: StatementSync
  readonly #writer: DatabaseWriter
  readonly #now: () => number
  readonly #maxPending: number
  #pending = new Map<string, PendingActivity>()
  /** Counts more than the file. */
  readonly #toWrite = new Map<string, PendingWrite>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<boolean> | undefined
  #closed = false

  /** `database` is only read. `mostKept`: references that wait for a disk that takes nothing, counted and deleted ones each. */
  constructor(
    database: DatabaseSync,
    writer: DatabaseWriter,
    now: () => number = Date.now,
    maxPending: number = defaultMaxPending,
  ) {
    this.#one = database.prepare('SELECT * FROM activity WHERE repository = ? AND reference = ?')
    this.#all = database.prepare('SELECT * FROM activity WHERE repository = ?')
    this.#writer = writer
    this.#now = now
    this.#maxPending = maxPending
  }

  /** `reference`: a tag or a digest; a pull by tag is worth a call for each. */
  pulled(repository: string, reference: string): void {
    const news = this.#pendingOf(repository, reference)
    news.pulls++
    news.lastPulled = this.#now()
  }

  /** `user`: undefined for somebody without credentials. */
  pushed(repository: string, reference: string, user: string | undefined): void {
    const news = this.#pendingOf(repository, reference)
    news.pushedAt = this.#now()
    news.pushedBy = user ?? ''
  }

  get(repository: string, reference: string): Activity | undefined {
    return merged(this.#base(repository, reference), this.#pending.get(keyOf(repository, reference)))
  }

  /** Everything known of a repository, by tag or digest. */
  list(repository: string): Map<string, Activity> {
    const references = new Set<string>()
    const found = new Map<string, Activity>()
    const rows = new Map<string, Row>()
    for (const row of this.#all.all(repository)) rows.set(textOf(row, 'reference'), row)
    for (const reference of rows.keys()) references.add(reference)
    for (const one of [...this.#toWrite.values(), ...this.#pending.values()])
      if (one.repository === repository) references.add(one.reference)
    for (const reference of references) {
      const key = keyOf(repository, reference)
      const settled = this.#toWrite.get(key)
      const row = rows.get(reference)
      const activity = merged(settled ? settled.activity : row && activityOf(row), this.#pending.get(key))
      if (activity) found.set(reference, activity)
    }
    return found
  }

  /** For what was deleted; without a reference the whole repository. */
  forget(repository: string, reference?: string): void {
    const gone = reference === undefined ? [...this.list(repository).keys()] : [reference]
    for (const one of gone) {
      const key = keyOf(repository, one)
      this.#pending.delete(key)
      // What the disk never heard of need not be taken back.
      if (this.#toWrite.has(key) || this.#mayBeOnDisk(repository, one))
        this.#toWrite.set(key, { repository, reference: one, activity: undefined })
    }
    dropOldest(this.#toWrite, this.#maxPending)
    void this.flush()
  }

  /** Writes what is new; otherwise done every few seconds. Answers whether the disk took it. */
  flush(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
      if (this.#pending.size + this.#toWrite.size > 0 && !this.#closed) this.#later()
    })
    return this.#writing
  }

  /** Writes the rest. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#writing
    await this.#write()
  }

  /** What comes in meanwhile waits for the next time. A full disk costs no pulls: they are kept and tried again. */
  async #write(): Promise<boolean> {
    for (let left = this.#pending.size + this.#toWrite.size; left > 0; left -= rowsPerWrite) {
      if (!(await this.#tryPortion())) return false
    }
    return true
  }

  async #tryPortion(): Promise<boolean> {
    let some: [string, PendingWrite][]
    try {
      for (const [key, news] of [...take(this.#pending, rowsPerWrite - this.#toWrite.size)]) {
        const { repository, reference } = news
        const activity = merged(this.#base(repository, reference), news)
        this.#toWrite.set(key, { repository, reference, activity })
        this.#pending.delete(key)
      }
      some = [...take(this.#toWrite, rowsPerWrite)]
      await this.#writer.write(some.map(([, settled]) => statementOf(settled)))
    } catch {
      return false
    }
    for (const [key, settled] of some) if (this.#toWrite.get(key) === settled) this.#toWrite.delete(key)
    return true
  }

  #mayBeOnDisk(repository: string, reference: string): boolean {
    try {
      return this.#one.get(repository, reference) !== undefined
    } catch {
      return true
    }
  }

  /** Without the news. */
  #base(repository: string, reference: string): Activity | undefined {
    const settled = this.#toWrite.get(keyOf(repository, reference))
    if (settled) return settled.activity
    const row = this.#one.get(repository, reference)
    return row && activityOf(row)
  }

  #pendingOf(repository: string, reference: string): PendingActivity {
    const key = keyOf(repository, reference)
    let news = this.#pending.get(key)
    if (!news) {
      news = {
        repository,
        reference,
        pulls: 0,
        lastPulled: undefined,
        pushedAt: undefined,
        pushedBy: undefined,
      }
      this.#pending.set(key, news)
      dropOldest(this.#pending, this.#maxPending)
      if (this.#pending.size >= writeEarlyFrom) void this.flush()
      else this.#later()
    }
    return news
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.flush(), flushAfterMs).unref()
  }
}

const keyOf = (repository: string, reference: string): string => `${repository} ${reference}`

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count
  for (const item of items) {
    if (left-- <= 0) return
    yield item
  }
}

/** Whole values, not differences: written twice they say the same. */
function statementOf({ repository, reference, activity }: PendingWrite): Statement {
  if (!activity)
    return {
      sql: 'DELETE FROM activity WHERE repository = ? AND reference = ?',
      values: [repository, reference],
    }
  const { pulls, lastPulled, pushedAt, pushedBy } = activity
  return {
    sql: `INSERT OR REPLACE INTO activity (repository, reference, pulls, last_pulled, pushed_at, pushed_by)
       VALUES (?, ?, ?, ?, ?, ?)`,
    values: [repository, reference, pulls, lastPulled ?? null, pushedAt ?? null, pushedBy ?? null],
  }
}

const activityOf = (row: Row): Activity =>
  shaped({
    pulls: numberOf(row, 'pulls'),
    lastPulled: optionalNumber(row, 'last_pulled'),
    pushedAt: optionalNumber(row, 'pushed_at'),
    pushedBy: optionalText(row, 'pushed_by'),
  })

function merged(base: Activity | undefined, news: PendingActivity | undefined): Activity | undefined {
  if (!news) return base
  return shaped({
    pulls: (base?.pulls ?? 0) + news.pulls,
    lastPulled: news.lastPulled ?? base?.lastPulled,
    pushedAt: news.pushedAt ?? base?.pushedAt,
    pushedBy: news.pushedAt === undefined ? base?.pushedBy : news.pushedBy,
  })
}

/** Without what is not known; somebody without credentials has no name. */
function shaped({
  pulls,
  lastPulled,
  pushedAt,
  pushedBy,
}: Omit<PendingActivity, 'repository' | 'reference'>): Activity {
  return {
    pulls,
    ...(lastPulled === undefined ? {} : { lastPulled }),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pushedBy === undefined || pushedBy === '' ? {} : { pushedBy }),
  }
}
