import type * as promises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/**
 * What happens at one chosen step. `short`: half of a write arrives, and the rest finds the disk full. `before`, `torn` and `after`: the process dies there; a torn write leaves half of its bytes.
 */
export type Fault = 'ENOSPC' | 'EIO' | 'short' | 'before' | 'torn' | 'after'

/** Every step that changes the disk or makes a change durable, in order: `rename /from /to`. */
let steps: string[] = []
let failAt = -1
let fault: Fault = 'EIO'
let life = 0
/** Half of a write arrived; the rest finds no room. */
let cut = false
let opened: FileHandle[] = []

/** From now on nothing fails; whoever has died stays dead. */
export function heal(): void {
  // What a process had open is closed when it dies.
  if (hasDied()) for (const handle of opened) void handle.close().catch(() => {})
  opened = []
  life++
  cut = false
  steps = []
  failAt = -1
}

/** Starts counting anew; the step with this number meets the fault. */
export function failStep(number: number, how: Fault): void {
  heal()
  failAt = number
  fault = how
}

export const stepsTaken = (): readonly string[] => steps

let dead = 0
/** Whether the process of now has died. */
export const hasDied = (): boolean => dead === life

const never = (): Promise<never> => new Promise(() => {})
const problem = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall })

/** `half` does half of a write; answers like the whole. */
async function step<T>(what: string, whole: () => Promise<T>, half?: () => Promise<T>): Promise<T> {
  const mine = life
  if (dead === mine) return await never()
  const number = steps.push(what) - 1
  const syscall = what.split(' ', 1)[0] ?? ''
  if (cut && syscall === 'write') throw problem('ENOSPC', syscall)
  if (number !== failAt) return await lived(mine, await whole())
  switch (fault) {
    case 'ENOSPC':
    case 'EIO':
      throw problem(fault, syscall)
    case 'short':
      if (half) {
        cut = true
        return await half()
      }
      throw problem('ENOSPC', syscall)
    case 'torn':
      await half?.()
      break
    case 'after':
      // Whatever came of it: a folder that is made below one that is missing fails.
      await whole().catch(() => {})
      break
    case 'before':
      break
    default:
      throw new Error(`no fault ${String(fault satisfies never)}`)
  }
  dead = mine
  return await never()
}

/** Whoever died while a step was under way never hears of its end. */
const lived = <T>(mine: number, value: T): T | Promise<never> => (dead === mine ? never() : value)

const halfOf = (bytes: string | Uint8Array): Buffer => {
  const whole = Buffer.from(bytes)
  return whole.subarray(0, whole.length >> 1)
}

function faultyHandle(handle: FileHandle, path: string): FileHandle {
  const own: Record<string, unknown> = {
    writev: (buffers: Uint8Array[], position: number) =>
      step(
        `writev ${path}`,
        () => handle.writev(buffers, position),
        async () => {
          const { bytesWritten } = await handle.write(halfOf(Buffer.concat(buffers)), 0, null, position)
          return { bytesWritten, buffers }
        },
      ),
    write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
      step(`write ${path}`, () => handle.write(bytes, offset, length, position)),
    writeFile: (bytes: string | Uint8Array) =>
      step(
        `writeFile ${path}`,
        () => handle.writeFile(bytes),
        async () => {
          await handle.writeFile(halfOf(bytes))
          if (fault === 'short') throw problem('ENOSPC', 'write')
        },
      ),
    datasync: () => step(`datasync ${path}`, () => handle.datasync()),
    sync: () => step(`sync ${path}`, () => handle.sync()),
    utimes: (atime: number, mtime: number) => step(`futimes ${path}`, () => handle.utimes(atime, mtime)),
  }
  return new Proxy(handle, {
    get: (target, key) => {
      const value: unknown = typeof key === 'string' && key in own ? own[key] : Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** node:fs/promises whose steps can be made to fail. For `vi.mock`. */
export function faultyFs(real: typeof promises): Partial<typeof promises> {
  const { mkdir, rename, rm, link, copyFile, utimes, open } = real
  return {
    ...real,
    mkdir: ((path: string, options: object) =>
      step(`mkdir ${path}`, () => mkdir(path, options))) as typeof mkdir,
    rename: (from, to) => step(`rename ${String(from)} ${String(to)}`, () => rename(from, to)),
    rm: (path, options) => step(`rm ${String(path)}`, () => rm(path, options)),
    link: (from, to) => step(`link ${String(from)} ${String(to)}`, () => link(from, to)),
    copyFile: (from, to, mode) =>
      step(`copyFile ${String(from)} ${String(to)}`, () => copyFile(from, to, mode)),
    utimes: (path, atime, mtime) => step(`utimes ${String(path)}`, () => utimes(path, atime, mtime)),
    open: async (path, flags, mode) => {
      const name = String(path)
      return await step(`open ${name}`, async () => {
        const handle = await open(path, flags, mode)
        opened.push(handle)
        return faultyHandle(handle, name)
      })
    },
  }
}
