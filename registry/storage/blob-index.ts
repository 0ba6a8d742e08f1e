import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { openExpendable, type Row, textOf, transaction } from '../metadata/database.ts'
import { layout } from './layout.ts'

const versions = [
  `CREATE TABLE places (
     digest TEXT NOT NULL,
     repository TEXT NOT NULL,
     PRIMARY KEY (digest, repository)
   ) STRICT, WITHOUT ROWID`,
  'CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT',
]

/** Changes are written together after this, ms; or earlier, when there are so many. */
const flushAfterMs = 3000
const writeEarlyFrom = 100
/** While they cannot be written, the oldest beyond this are dropped. */
const maxPending = 10_000
/** Repositories that are offered for one blob. */
const maxOffered = 8
/** Entries that are looked at for them, always as many: somebody may be refused all those of a common layer. */
const considered = 100

interface Opened {
  readonly database: DatabaseSync
  readonly find: StatementSync
}

/**
 * Which repositories hold a blob: a hint on disk, checked before each use. A missing entry costs disk space and nothing
 * else, so a power cut may lose the last seconds, and the file may be deleted.
 */
export class BlobIndex {
  readonly #root: string
  readonly #pending = new Map<string, { digest: string; repository: string; there: boolean }>()
  #opened: Opened | 'unusable' | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether changes were lost since the last call of `setComplete`. */
  #lost = false

  /** Opens nothing yet: the start need not wait for it. */
  constructor(root: string) {
    this.#root = root
  }

  note(repository: string, digest: string): void {
    this.#record(repository, digest, true)
  }

  drop(repository: string, digest: string): void {
    this.#record(repository, digest, false)
  }

  /**
   * Some of the repositories that may hold it, among those that `accepts`. Takes as long where only others hold it, or
   * nobody: the entries behind its own are read and asked about, too, or the time would tell.
   */
  holders(digest: string, accepts: (repository: string) => boolean = () => true): string[] {
    const found = new Set<string>()
    for (const row of this.#rowsFrom(digest)) {
      const repository = textOf(row, 'repository')
      const isAccepted = accepts(repository)
      if (isAccepted && textOf(row, 'digest') === digest && found.size < maxOffered) found.add(repository)
    }
    for (const news of this.#pending.values()) {
      if (news.digest !== digest) continue
      if (!news.there) found.delete(news.repository)
      else if (accepts(news.repository)) found.add(news.repository)
    }
    return [...found]
  }

  /** Whether every blob that was there before this index was has been noted. */
  get isComplete(): boolean {
    const opened = this.#open()
    return opened?.database.prepare("SELECT 1 FROM facts WHERE name = 'complete'").get() !== undefined
  }

  /** Every blob was noted. False: some of the notes were lost, so all of them have to be made again. */
  setComplete(): boolean {
    this.flush()
    if (this.#lost) {
      this.#lost = false
      return false
    }
    this.#open()?.database.exec("INSERT OR REPLACE INTO facts VALUES ('complete', '1')")
    return true
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const opened = this.#open()
    if (!opened || this.#pending.size === 0) return
    const { database } = opened
    try {
      const add = database.prepare('INSERT OR IGNORE INTO places VALUES (?, ?)')
      const remove = database.prepare('DELETE FROM places WHERE digest = ? AND repository = ?')
      transaction(database, () => {
        for (const { digest, repository, there: isThere } of this.#pending.values())
          (isThere ? add : remove).run(digest, repository)
      })
    } catch {
      // A full disk: these hints are lost.
      this.#lost = true
    }
    this.#pending.clear()
  }

  close(): void {
    clearTimeout(this.#timer)
    if (this.#opened !== undefined && this.#opened !== 'unusable') {
      this.flush()
      this.#opened.database.close()
    }
    this.#opened = 'unusable'
  }

  /** In the order of digests, those of this one first; behind the last one the first. */
  #rowsFrom(digest: string): readonly Row[] {
    try {
      const { find } = this.#open() ?? {}
      const rows = find?.all(digest, considered) ?? []
      return [...rows, ...(find?.all('', considered - rows.length) ?? [])]
    } catch {
      // Damaged: it is made anew at the next start.
      return []
    }
  }

  #record(repository: string, digest: string, isThere: boolean): void {
    const key = `${digest} ${repository}`
    this.#pending.delete(key)
    this.#pending.set(key, { digest, repository, there: isThere })
    for (const oldest of this.#pending.keys()) {
      if (this.#pending.size <= maxPending) break
      this.#pending.delete(oldest)
    }
    if (this.#pending.size >= writeEarlyFrom) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), flushAfterMs).unref()
  }

  #open(): Opened | undefined {
    if (this.#opened === undefined) {
      this.#opened = openOrRenew(join(layout.ownFolder(this.#root), 'blobs.db')) ?? 'unusable'
    }
    return this.#opened === 'unusable' ? undefined : this.#opened
  }
}

function openOrRenew(file: string): Opened | undefined {
  const opening = openExpendable(file, { versions, probe: 'SELECT count(*) FROM facts' })
  if (!opening.ok) return undefined
  const { database } = opening
  return {
    database,
    find: database.prepare(
      'SELECT digest, repository FROM places WHERE digest >= ? ORDER BY digest, repository LIMIT ?',
    ),
  }
}
