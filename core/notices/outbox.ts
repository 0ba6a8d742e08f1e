import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import type { Message } from './webhook.ts'

const storedMessage = v.object({
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
type StoredMessage = v.InferOutput<typeof storedMessage>

interface Options {
  file: string
  clock: Clock
  /** Delivers once; the reason when it was not taken. */
  send(message: Message): Promise<string | undefined>
  /** Why messages wait; undefined once they are through. */
  onTrouble(reason: string | undefined): void
  report(setAside: SetAside): void
}

export interface Outbox {
  add(message: Message): Promise<void>
  /** Sends what is due. */
  sendDue(): Promise<void>
  close(): void
}

const minute = 60_000
const retryMs = [minute, 5 * minute, 15 * minute, 60 * minute]
/** An older message is dropped: nobody needs it any more. */
const maxAgeMs = 2 * 24 * 60 * minute
const maxMessages = 50

/** Stores messages on disk until they are delivered, or are two days old. */
export function createOutbox({ file, clock, send, onTrouble, report }: Options): Outbox {
  let messages: StoredMessage[] | undefined
  let stopTimer = (): void => {}
  let closed = false
  const queue = serialQueue()

  async function read(): Promise<StoredMessage[]> {
    messages ??= (await readJsonFile(file, v.array(storedMessage), { now: clock.now, report })) ?? []
    return messages
  }

  async function save(next: StoredMessage[]): Promise<void> {
    messages = next.slice(-maxMessages)
    await writeJsonFile(file, messages)
  }

  async function sendDueNow(): Promise<void> {
    for (const { since, attempts, nextAt, ...message } of await read()) {
      if (closed) return
      if (nextAt > clock.now()) continue
      const reason = clock.now() - since > maxAgeMs ? undefined : await send(message)
      onTrouble(reason)
      const others = (await read()).filter(entry => entry.id !== message.id)
      const wait = retryMs[Math.min(attempts, retryMs.length - 1)] ?? minute
      await save(
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
    if (!closed) stopTimer = clock.setTimer(at, () => void sendDue(), { unref: true })
  }

  /** A full disk may have space in an hour. */
  function failed(error: unknown): void {
    onTrouble(String(error))
    arm(clock.now() + 60 * minute)
  }

  function sendDue(): Promise<void> {
    return queue.run(() => sendDueNow().catch(failed))
  }

  return {
    async add(message) {
      await queue.run(async () => {
        try {
          const others = (await read()).filter(entry => entry.id !== message.id)
          await save([...others, { ...message, since: clock.now(), attempts: 0, nextAt: clock.now() }])
        } catch (error) {
          failed(error)
        }
      })
      await sendDue()
    },
    sendDue,
    close() {
      closed = true
      stopTimer()
    },
  }
}
