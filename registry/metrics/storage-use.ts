import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface StorageUseOptions {
  readonly root: string
  readonly repositories: () => Promise<readonly string[]>
}

/** How many bytes each repository has, counted in the background and one repository at a time. */
export interface StorageUse {
  /** What is known so far. The first question begins the counting: nobody pays for figures nobody reads. */
  read(): Iterable<readonly [string, number]>
  /** Something was pushed or deleted there. */
  changed(repository: string): void
  stop(): void
}

/** How many files are asked for their size before others get their turn. */
const filesAtOnce = 64
/** A whole new count also sees what others changed, ms. */
const recountAfterMs = 3_600_000

export function createStorageUse(
  { root, repositories }: StorageUseOptions,
  now: () => number = Date.now,
): StorageUse {
  const sizes = new Map<string, number>()
  const waiting = new Set<string>()
  let listedAt = Number.NEGATIVE_INFINITY
  let counting = false
  let stopped = false

  const count = async (): Promise<void> => {
    if (now() - listedAt > recountAfterMs) {
      listedAt = now()
      const names = await repositories()
      const current = new Set(names)
      for (const name of sizes.keys()) if (!current.has(name)) sizes.delete(name)
      for (const name of names) waiting.add(name)
    }
    for (const name of waiting) {
      if (stopped) return
      waiting.delete(name)
      const bytes = await sizeOf(join(root, name, 'blobs'), () => stopped)
      if (bytes === undefined) sizes.delete(name)
      else sizes.set(name, bytes)
    }
  }

  return {
    read: () => {
      if (!counting && !stopped) {
        counting = true
        void count()
          .catch(() => {})
          .finally(() => {
            counting = false
          })
      }
      return sizes
    },
    changed: name => void waiting.add(name),
    stop: () => {
      stopped = true
    },
  }
}

/** Undefined: there is no such folder (any more). */
async function sizeOf(blobs: string, isStopped: () => boolean): Promise<number | undefined> {
  let bytes = 0
  const algorithms = await readdir(blobs).catch(() => undefined)
  for (const algorithm of algorithms ?? []) {
    const files = await readdir(join(blobs, algorithm)).catch(() => [])
    for (let at = 0; at < files.length && !isStopped(); at += filesAtOnce) {
      const sizes = files.slice(at, at + filesAtOnce).map(file =>
        stat(join(blobs, algorithm, file)).then(
          found => found.size,
          () => 0,
        ),
      )
      for (const size of await Promise.all(sizes)) bytes += size
    }
  }
  return algorithms === undefined ? undefined : bytes
}
