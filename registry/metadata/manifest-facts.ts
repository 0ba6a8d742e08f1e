import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { numberOf, type OpenDatabase, openExpendable, textOf, textsOf, transaction } from './database.ts'

/** What a manifest says of what it stands for. A digest never comes to say anything else. */
export interface ManifestFacts {
  /** Bytes of all that it stands on, itself included, each blob once. */
  readonly size: number
  /** "linux/arm/v7"; none for what is not an image to run. */
  readonly platforms: readonly string[]
  /** Digests of the manifests that an index names. */
  readonly children: readonly string[]
}

const versions = [
  `CREATE TABLE facts (
     digest TEXT PRIMARY KEY,
     size INTEGER NOT NULL,
     platforms TEXT NOT NULL,
     children TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`,
]

/** Nothing is lost with this file: it spares reading each manifest again. `folder` is `<root>/_zotbar`. */
export const openFactsDatabase = (folder: string): OpenDatabase =>
  openExpendable(join(folder, 'facts.db'), { versions, probe: 'SELECT count(*) FROM facts' })

/** Facts of manifests that were read before. Rows of what is gone are dropped when they are many. */
export class FactStore {
  readonly #database: DatabaseSync
  readonly #get: StatementSync
  #news: [digest: string, facts: ManifestFacts][] = []

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#get = database.prepare('SELECT size, platforms, children FROM facts WHERE digest = ?')
  }

  get(digest: string): ManifestFacts | undefined {
    try {
      const row = this.#get.get(digest)
      if (!row) return undefined
      return {
        size: numberOf(row, 'size'),
        platforms: textsOf(row, 'platforms'),
        children: textsOf(row, 'children'),
      }
    } catch {
      // Damaged: the manifest says it again.
      return undefined
    }
  }

  /** Written with the next `flush`. */
  put(digest: string, facts: ManifestFacts): void {
    this.#news.push([digest, facts])
    if (this.#news.length >= 500) this.flush()
  }

  /** What could not be written is read again from the store the next time. */
  flush(): void {
    const news = this.#news
    if (news.length === 0) return
    this.#news = []
    const write = this.#database.prepare('INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?)')
    try {
      transaction(this.#database, () => {
        for (const [digest, { size, platforms, children }] of news)
          write.run(digest, size, JSON.stringify(platforms), JSON.stringify(children))
      })
    } catch {
      // A full disk is no reason to know less.
    }
  }

  /** `inUse`: every digest that any repository names. */
  forgetOthers(inUse: ReadonlySet<string>): void {
    try {
      const found = this.#database.prepare('SELECT count(*) AS rows FROM facts').get()
      if (!found || numberOf(found, 'rows') <= 2 * inUse.size + 1000) return
      const remove = this.#database.prepare('DELETE FROM facts WHERE digest = ?')
      const rows = this.#database.prepare('SELECT digest FROM facts').all()
      const gone = rows.map(row => textOf(row, 'digest')).filter(digest => !inUse.has(digest))
      transaction(this.#database, () => {
        for (const digest of gone) remove.run(digest)
      })
    } catch {
      // They stay, and are tried again the next time.
    }
  }
}
