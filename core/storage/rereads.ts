import type { Clock } from '../../lib/clock.ts'

export interface Rereads {
  /** Something was written in this repository. */
  mark(name: string): void
  close(): void
}

export interface RereadOptions {
  clock: Clock
  read(name: string): Promise<void>
  /** How long a repository must be quiet before it is read again. */
  quietMs?: number
  /** The longest a change waits, however busy the repository is. */
  latestMs?: number
}

/**
 * Reads repositories again after writes, one at a time: an image comes in a dozen writes, and one look after
 * the last is enough. A repository that takes long to read gets rests four times as long between reads.
 */
export function createRereads({ clock, read, quietMs = 200, latestMs = 1000 }: RereadOptions): Rereads {
  const waiting = new Map<string, { first: number; due: number }>()
  const rests = new Map<string, number>()
  let timer: { due: number; cancel: () => void } | undefined
  let reading = false
  let closed = false

  const arm = (due: number) => {
    if (closed || reading || (timer && timer.due <= due)) return
    timer?.cancel()
    timer = { due, cancel: clock.setTimer(due, () => void run()) }
  }

  async function run(): Promise<void> {
    timer = undefined
    reading = true
    const now = clock.now()
    for (const [name, { due }] of [...waiting]) {
      if (due > now || closed) continue
      waiting.delete(name)
      const started = clock.monotonic()
      await read(name)
      const took = clock.monotonic() - started
      if (took > 50) rests.set(name, clock.now() + 4 * took)
      else rests.delete(name)
    }
    reading = false
    for (const { due } of waiting.values()) arm(due)
  }

  return {
    mark: name => {
      const now = clock.now()
      const first = waiting.get(name)?.first ?? now
      const due = Math.max(Math.min(now + quietMs, first + latestMs), rests.get(name) ?? 0)
      waiting.set(name, { first, due })
      arm(due)
    },
    close: () => {
      closed = true
      timer?.cancel()
      waiting.clear()
    },
  }
}
