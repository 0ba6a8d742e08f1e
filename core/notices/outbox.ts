import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { serialQueue } from '../platform/serial-queue.ts'
import type { Message } from './webhook.ts'

const letter = v.object({
  id: v.string(),
  event: v.picklist(['key-expiring', 'key-expired']),
  title: v.string(),
  body: v.string(),
  facts: v.record(v.string(), v.union([v.string(), v.number()])),
  /** ms since the epoch. */
  since: v.number(),
  attempts: v.number(),
  nextAt: v.number(),
})
type Letter = v.InferOutput<typeof letter>

interface Options {
  file: string
  clock: Clock
  /** Delivers once; the reason when it was not taken. */
  send(message: Message): Promise<string | undefined>
  /** Why messages wait; undefined once they are through. */
  onTrouble(reason: string | undefined): void
  report(what: SetAside): void
}

export interface Outbox {
  add(message: Message): Promise<void>
  /** Sends what is due. */
  look(): Promise<void>
  close(): void
}

const minute = 60_000
const retryMs = [minute, 5 * minute, 15 * minute, 60 * minute]
/** Nobody wants to hear then what was true before. */
const maxAgeMs = 2 * 24 * 60 * minute
const maxMessages = 50

/** Messages that are still to be delivered, on disk until they are, or are two days old. */
export function createOutbox({ file, clock, send, onTrouble, report }: Options): Outbox {
  let letters: Letter[] | undefined
  let stopTimer = (): void => {}
  let closed = false
  const queue = serialQueue()

  async function read(): Promise<Letter[]> {
    letters ??= (await readJsonFile(file, v.array(letter), { now: clock.now, report })) ?? []
    return letters
  }

  async function keep(next: Letter[]): Promise<void> {
    letters = next.slice(-maxMessages)
    await writeJsonFile(file, letters)
  }

  async function sendDue(): Promise<void> {
    for (const { since, attempts, nextAt, ...message } of await read()) {
      if (closed) return
      if (nextAt > clock.now()) continue
      const reason = clock.now() - since > maxAgeMs ? undefined : await send(message)
      onTrouble(reason)
      const others = (await read()).filter(other => other.id !== message.id)
      const wait = retryMs[Math.min(attempts, retryMs.length - 1)] ?? minute
      await keep(
        reason === undefined
          ? others
          : [...others, { ...message, since, attempts: attempts + 1, nextAt: clock.now() + wait }],
      )
    }
    const next = (await read()).map(({ nextAt }) => nextAt)
    if (next.length > 0) arm(Math.min(...next))
    else stopTimer()
  }

  function arm(at: number): void {
    stopTimer()
    if (!closed) stopTimer = clock.setTimer(at, () => void look(), { unref: true })
  }

  /** A disk that is full now may have space in an hour. */
  function failed(error: unknown): void {
    onTrouble(String(error))
    arm(clock.now() + 60 * minute)
  }

  function look(): Promise<void> {
    return queue.run(() => sendDue().catch(failed))
  }

  return {
    async add(message) {
      await queue.run(async () => {
        try {
          const others = (await read()).filter(other => other.id !== message.id)
          await keep([...others, { ...message, since: clock.now(), attempts: 0, nextAt: clock.now() }])
        } catch (error) {
          failed(error)
        }
      })
      await look()
    },
    look,
    close() {
      closed = true
      stopTimer()
    },
  }
}
