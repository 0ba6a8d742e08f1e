import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { type AdminLines, askLines } from './admin-lines.ts'

const amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const repository = v.string()
const user = v.exactOptional(v.string())

const begin = v.object({ kind: v.literal('begin'), log: v.string(), seq: amount, gap: v.boolean() })
const common = { seq: amount, at: amount }
const event = v.variant('kind', [
  v.object({
    ...common,
    kind: v.literal('push'),
    repository,
    tags: v.array(v.string()),
    digest: v.string(),
    mediaType: v.string(),
    bytes: amount,
    user,
  }),
  v.object({ ...common, kind: v.literal('delete'), repository, reference: v.string(), user }),
  v.object({
    ...common,
    kind: v.literal('blob'),
    repository,
    digest: v.string(),
    bytes: v.exactOptional(amount),
    user,
  }),
  v.object({ ...common, kind: v.literal('uploading'), repository, uploads: amount, bytes: amount }),
  v.object({
    ...common,
    kind: v.literal('collected'),
    repository,
    removed: v.array(v.object({ digest: v.string(), tag: v.exactOptional(v.string()) })),
    blobs: amount,
    bytes: amount,
  }),
  v.object({
    ...common,
    kind: v.literal('pulls'),
    pulls: v.array(v.object({ repository, reference: v.string(), count: amount })),
  }),
  v.object({
    ...common,
    kind: v.literal('maintenance'),
    task: v.string(),
    phase: v.picklist(['begun', 'progress', 'ended']),
    done: v.exactOptional(amount),
    total: v.exactOptional(amount),
  }),
  v.object({ ...common, kind: v.literal('damaged'), repository, reason: v.string() }),
  v.object({ ...common, kind: v.literal('no-space'), repository }),
])
/** A kind that a newer registry has: its number counts, and that is all. */
const anyEvent = v.object(common)

/** What happens in the registry, as it tells it itself: docs/admin-socket.md. Bytes; `at` in ms since the epoch. */
export type RegistryEvent = v.InferOutput<typeof event>

export interface RegistryEventsOptions {
  socketPath: string
  clock: Clock
  onEvent(event: RegistryEvent): void
  /** Something may have been missed: what is known of the store has to be looked at again. */
  onGap(): void
  /** Whether the registry tells its events now. */
  onConnected(connected: boolean): void
}

export interface RegistryEvents {
  /** Whether what happens is heard of. */
  connected(): boolean
  /** Whether to listen; asked for again it tries at once where there is no connection. */
  follow(wanted: boolean): void
  close(): void
}

/** From one attempt to the next, ms: at first a registry that is just starting, then one without a socket. */
const pauses = [100, 250, 500, 1_000, 2_000, 5_000, 15_000, 60_000]

/**
 * Follows the events of the registry's administration socket, across restarts of the registry and of the connection.
 * Where there is no such socket, or one without events, it is tried again ever more rarely.
 */
export function createRegistryEvents(options: RegistryEventsOptions): RegistryEvents {
  const { socketPath, clock, onEvent, onGap, onConnected } = options
  let stream: AdminLines | undefined
  let cancel = (): void => {}
  let wanted = false
  let attempt = 0
  let isConnected = false
  let last: { log: string; seq: number } | undefined

  const connected = (now: boolean): void => {
    if (now === isConnected) return
    isConnected = now
    onConnected(now)
  }

  function handleLine(line: unknown): 'more' | 'stop' {
    const first = v.safeParse(begin, line)
    if (first.success) {
      const { log, seq, gap } = first.output
      last = { log, seq }
      attempt = 0
      connected(true)
      if (gap) onGap()
      return 'more'
    }
    const numbered = v.safeParse(anyEvent, line)
    // What makes no sense is not passed over: the stream begins anew, and with it the look at the store.
    if (!numbered.success || numbered.output.seq !== (last?.seq ?? 0) + 1) {
      last = undefined
      return 'stop'
    }
    if (last) last.seq = numbered.output.seq
    const read = v.safeParse(event, line)
    if (read.success) onEvent(read.output)
    return 'more'
  }

  function open(): void {
    const query = last === undefined ? '' : `?log=${encodeURIComponent(last.log)}&after=${last.seq}`
    const opened = askLines(socketPath, `/events${query}`, handleLine)
    stream = opened
    void opened.done.then(() => {
      if (stream !== opened) return
      stream = undefined
      connected(false)
      if (wanted) later()
    })
  }

  function later(): void {
    const pause = pauses[Math.min(attempt, pauses.length - 1)] ?? 60_000
    attempt += 1
    cancel()
    cancel = clock.setTimer(clock.now() + pause, open)
  }

  function end(): void {
    cancel()
    const ending = stream
    stream = undefined
    ending?.stop()
    connected(false)
  }

  return {
    connected: () => isConnected,
    follow(next) {
      wanted = next
      attempt = 0
      if (!next) return end()
      if (stream) return
      cancel()
      open()
    },
    close() {
      wanted = false
      end()
    },
  }
}
