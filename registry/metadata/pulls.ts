import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type OpenDatabase, openDatabase, transaction } from './database.ts'
import { numberOf, optionalNumber, optionalText, type Row, textOf } from './row.ts'

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

export const openActivityDatabase = (folder: string): OpenDatabase =>
  openDatabase(join(folder, 'activity.db'), { durability: 'normal', versions })

/** What happened since it was last written, per reference. */
interface News {
  readonly repository: string
  readonly reference: string
  pulls: number
  lastPulled: number | undefined
  pushedAt: number | undefined
  pushedBy: string | undefined
}

/** News are written together, ms. */
const flushAfter = 3000
/** Written earlier when there are so many. */
const maxNews = 20_000
/** While the disk takes nothing, the oldest beyond this are lost. */
const maxKept = 100_000
/** Rows per transaction: the event loop is free in between. */
const portion = 500

/**
 * Counts pulls and remembers pushes. A pull costs a look into a map; the disk hears of many at once. A power
 * cut loses the last seconds of counting and nothing else.
 */
export class Pulls {
  readonly #database: DatabaseSync
  readonly #now: () => number
  #news = new Map<string, News>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #closed = false

  constructor(database: DatabaseSync, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  /** `reference`: a tag or a digest; a pull by tag is worth a call for each. */
  pulled(repository: string, reference: string): void {
    const news = this.#newsOf(repository, reference)
    news.pulls++
    news.lastPulled = this.#now()
  }

  /** `user`: undefined for somebody without credentials. */
  pushed(repository: string, reference: string, user: string | undefined): void {
    const news = this.#newsOf(repository, reference)
    news.pushedAt = this.#now()
    news.pushedBy = user ?? ''
  }

  get(repository: string, reference: string): Activity | undefined {
    const row = this.#database
      .prepare('SELECT * FROM activity WHERE repository = ? AND reference = ?')
      .get(repository, reference)
    const news = this.#news.get(keyOf(repository, reference))
    return row || news ? merged(row, news) : undefined
  }

  /** Everything known of a repository, by tag or digest. */
  list(repository: string): Map<string, Activity> {
    const found = new Map<string, Activity>()
    for (const row of this.#database.prepare('SELECT * FROM activity WHERE repository = ?').all(repository)) {
      const reference = textOf(row, 'reference')
      found.set(reference, merged(row, this.#news.get(keyOf(repository, reference))))
    }
    for (const news of this.#news.values()) {
      if (news.repository === repository && !found.has(news.reference)) {
        found.set(news.reference, merged(undefined, news))
      }
    }
    return found
  }

  /** For what was deleted; without a reference the whole repository. */
  forget(repository: string, reference?: string): void {
    for (const [key, news] of this.#news) {
      if (news.repository === repository && (reference ?? news.reference) === news.reference)
        this.#news.delete(key)
    }
    try {
      if (reference === undefined) {
        this.#database.prepare('DELETE FROM activity WHERE repository = ?').run(repository)
      } else {
        this.#database
          .prepare('DELETE FROM activity WHERE repository = ? AND reference = ?')
          .run(repository, reference)
      }
    } catch {
      // A full disk: an old count stays, which is no reason to call a deletion failed.
    }
  }

  /** Writes what is new; otherwise done every few seconds. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
      if (this.#news.size > 0 && !this.#closed) this.#later()
    })
    return this.#writing
  }

  /** Writes the rest at once. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    while (this.#news.size > 0 && this.#tryPortion());
  }

  async #write(): Promise<void> {
    // What comes in meanwhile waits for the next time.
    for (let left = this.#news.size; left > 0; left -= portion) {
      if (this.#closed || !this.#tryPortion()) return
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** A full disk costs no pulls: what could not be written is kept and tried again. */
  #tryPortion(): boolean {
    try {
      this.#writePortion()
      return true
    } catch {
      return false
    }
  }

  #writePortion(): void {
    const write = this.#database.prepare(
      `INSERT INTO activity (repository, reference, pulls, last_pulled, pushed_at, pushed_by)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET pulls = pulls + excluded.pulls,
         last_pulled = coalesce(excluded.last_pulled, last_pulled),
         pushed_by = CASE WHEN excluded.pushed_at IS NULL THEN pushed_by ELSE excluded.pushed_by END,
         pushed_at = coalesce(excluded.pushed_at, pushed_at)`,
    )
    const some = [...take(this.#news, portion)]
    transaction(this.#database, () => {
      for (const [, { repository, reference, pulls, lastPulled, pushedAt, pushedBy }] of some) {
        write.run(repository, reference, pulls, lastPulled ?? null, pushedAt ?? null, pushedBy ?? null)
      }
    })
    for (const [key] of some) this.#news.delete(key)
  }

  #newsOf(repository: string, reference: string): News {
    const key = keyOf(repository, reference)
    let news = this.#news.get(key)
    if (!news) {
      news = {
        repository,
        reference,
        pulls: 0,
        lastPulled: undefined,
        pushedAt: undefined,
        pushedBy: undefined,
      }
      if (this.#news.size >= maxKept) for (const [oldest] of take(this.#news, 1)) this.#news.delete(oldest)
      this.#news.set(key, news)
      if (this.#news.size >= maxNews) void this.flush()
      else this.#later()
    }
    return news
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.flush(), flushAfter).unref()
  }
}

const keyOf = (repository: string, reference: string): string => `${repository} ${reference}`

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count
  for (const item of items) {
    if (left-- <= 0) return
    yield item
  }
}

function merged(row: Row | undefined, news: News | undefined): Activity {
  const lastPulled = news?.lastPulled ?? (row && optionalNumber(row, 'last_pulled'))
  const pushedAt = news?.pushedAt ?? (row && optionalNumber(row, 'pushed_at'))
  const pushedBy = news?.pushedBy ?? (row && optionalText(row, 'pushed_by'))
  return {
    pulls: (row ? numberOf(row, 'pulls') : 0) + (news?.pulls ?? 0),
    ...(lastPulled === undefined ? {} : { lastPulled }),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pushedBy === undefined || pushedBy === '' ? {} : { pushedBy }),
  }
}
