import type * as promises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long one step on a path takes, ms; undefined: as long as it takes by itself. */
export type Delay = (step: 'fsync' | 'step', path: string) => number | undefined

let delay: Delay = () => undefined

/** From now on. */
export function slowDown(next: Delay): void {
  delay = next
}

async function slowly<T>(step: 'fsync' | 'step', path: string, work: () => Promise<T>): Promise<T> {
  const before = delay(step, path)
  if (before !== undefined) await sleep(before)
  const result = await work()
  const after = delay(step, path)
  if (after !== undefined) await sleep(after)
  return result
}

function slowHandle(handle: FileHandle, path: string): FileHandle {
  // Nobody cuts the power in these tests: waiting as long as a disk would is enough.
  const fsync = () => slowly('fsync', path, async () => {})
  return new Proxy(handle, {
    get: (target, key) => {
      if (key === 'datasync' || key === 'sync') return fsync
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** node:fs/promises on the real file system, with a disk as slow as `slowDown` says. For `vi.mock`. */
export function slowFs(real: typeof promises): Partial<typeof promises> {
  const { open, rename, unlink, rm, stat, readFile, link } = real
  return {
    ...real,
    open: async (path, flags, mode) => slowHandle(await open(path, flags, mode), String(path)),
    rename: (from, to) => slowly('step', String(from), () => rename(from, to)),
    link: (from, to) => slowly('step', String(from), () => link(from, to)),
    unlink: path => slowly('step', String(path), () => unlink(path)),
    rm: (path, options) => slowly('step', String(path), () => rm(path, options)),
    stat: ((path: string, options: object) => slowly('step', path, () => stat(path, options))) as typeof stat,
    readFile: ((path: string, options: object) =>
      slowly('step', path, () => readFile(path, options))) as typeof readFile,
  }
}
