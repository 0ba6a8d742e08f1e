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
 * Reads repositories again after writes, one at a time: an image arrives in a dozen writes, and one read after
 * the last is enough. A repository that takes long to read is left alone four times as long afterwards.
 */
export function createRereads({ clock, read, quietMs = 200, latestMs = 1000 }: RereadOptions): Rereads {
  const waiting = new Map<string, { firstAt: number; dueAt: number }>()
  const restUntil = new Map<string, number>()
  let timer: { dueAt: number; cancel: () => void } | undefined
  let isReading = false
  let isClosed = false

  const arm = (dueAt: number) => {
    if (isClosed || isReading || (timer && timer.dueAt <= dueAt)) return
    timer?.cancel()
    timer = { dueAt, cancel: clock.setTimer(dueAt, () => void run()) }
  }

  async function run(): Promise<void> {
    timer = undefined
    isReading = true
    const now = clock.now()
    for (const [name, { dueAt }] of [...waiting]) {
      if (dueAt > now || isClosed) continue
      waiting.delete(name)
      const started = clock.monotonic()
      await read(name)
      const tookMs = clock.monotonic() - started
      if (tookMs > 50) restUntil.set(name, clock.now() + 4 * tookMs)
      else restUntil.delete(name)
    }
    isReading = false
    for (const { dueAt } of waiting.values()) arm(dueAt)
  }

  return {
    mark: name => {
      const now = clock.now()
      const firstAt = waiting.get(name)?.firstAt ?? now
      const dueAt = Math.max(Math.min(now + quietMs, firstAt + latestMs), restUntil.get(name) ?? 0)
      waiting.set(name, { firstAt, dueAt })
      arm(dueAt)
    },
    close: () => {
      isClosed = true
      timer?.cancel()
      waiting.clear()
    },
  }
}
