import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Enough for the lock, the keeper's record and the sessions, which a start writes anew before it gives the old ones up. */
const reserveBytes = 32 * 1024
const leastBytes = 4096
const retryMs = 60_000

/**
 * `run/start.reserve`: room for a start on a volume that is full. A core that was killed there could not take its lock
 * again, and its registry would run without supervision.
 */
export interface StartReserve {
  /** Gives the room up; false where there was none. */
  giveUp(): boolean
  /** Makes it again as far as there is room now, and all of it as soon as there is. */
  restore(): void
  /** No more attempts to make it. */
  close(): void
}

export function startReserve(home: string): StartReserve {
  const file = join(home, 'run', 'start.reserve')
  let retry: NodeJS.Timeout | undefined

  function close(): void {
    clearTimeout(retry)
    retry = undefined
  }
  /** Whether all of it is there. A part of it is better than nothing, as a block is enough for the lock. */
  function make(): boolean {
    if (sizeOf(file) === reserveBytes) return true
    for (let bytes = reserveBytes; bytes >= leastBytes; bytes /= 2) {
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
        // What a volume that compresses cannot make smaller.
        writeFileSync(file, randomBytes(bytes), { mode: 0o600 })
        return bytes === reserveBytes
      } catch {
        remove(file)
      }
    }
    return false
  }
  function restore(): void {
    close()
    if (!make()) retry = setTimeout(restore, retryMs).unref()
  }
  return {
    giveUp: () => remove(file),
    restore,
    close,
  }
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size
  } catch {
    return undefined
  }
}

/** Whether there was something to remove. */
function remove(file: string): boolean {
  try {
    rmSync(file)
    return true
  } catch {
    return false
  }
}
