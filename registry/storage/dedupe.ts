import { link, stat } from 'node:fs/promises'
import { syncFile } from '../../lib/sync-file.ts'
import type { Digest } from '../oci/reference.ts'
import type { HolderIndex } from './blob-holders.ts'
import type { BlobIndex } from './blob-index.ts'
import { isWhole } from './digest-file.ts'
import { touch } from './durable.ts'
import { layout } from './layout.ts'

/** Stores a blob once, however many repositories hold it: by hard links, as zot does. */
export class Dedupe {
  readonly #root: string
  readonly #index: BlobIndex
  /** `storage.dedupe`; may change while serving. */
  enabled: boolean

  constructor(root: string, index: BlobIndex, enabled: boolean) {
    this.#root = root
    this.#index = index
    this.enabled = enabled
  }

  /** Which repositories hold a blob: for mounts that do not say from where. */
  get holders(): HolderIndex {
    return this.#index
  }

  note(name: string, digest: Digest): void {
    this.#index.note(name, digest.text)
  }

  drop(name: string, digest: Digest): void {
    this.#index.drop(name, digest.text)
  }

  /**
   * Gives `name` the file that another repository has for the blob; its folder exists and is synced by the
   * caller. False: there is none, or the file system cannot link, and the blob has to be stored.
   */
  async link(name: string, digest: Digest, size: number): Promise<boolean> {
    if (!this.enabled) return false
    const target = layout.blob(this.#root, name, digest)
    for (const holder of this.#index.holders(digest.text)) {
      if (holder === name) continue
      const source = layout.blob(this.#root, holder, digest)
      const found = await stat(source).catch(() => undefined)
      // Its bytes stand in for those that were just received and checked, so they are checked too.
      if (!found?.isFile() || found.size !== size || !(await isWhole(source, digest))) {
        this.#index.drop(holder, digest.text)
        continue
      }
      try {
        await syncFile(source, { dataOnly: true })
        await link(source, target)
      } catch {
        // Gone meanwhile, there already, or not a file system that links: storing it is always right.
        return false
      }
      await touch(target, found.mtimeMs)
      return true
    }
    return false
  }
}
