import type { Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { countGarbage } from '../memory.ts'

/** Received and not yet written, of all uploads together, bytes; beyond its share a sender has to wait. */
const highWater = 2 * 1024 * 1024
/**
 * The share of one upload. Node may hand over as much in a single turn of the event loop, and hashing it
 * takes 1 to 2 ms for a megabyte: many uploads at once must not keep everybody else waiting.
 */
const [leastShare, mostShare] = [128 * 1024, 1024 * 1024]
let receiving = 0

const share = (): number => Math.min(mostShare, Math.max(leastShare, highWater / receiving))
/** How much is written before the disk is asked to start keeping it, so that the end need not wait for all. */
const syncEveryBytes = 16 * 1024 * 1024

/** `ended`: all that the sender meant to send arrived. `broken`: the connection went away before. */
type Received = { kind: 'ended' | 'broken'; bytes: number } | { kind: 'failed'; error: unknown }

/** A body that is arriving. */
export interface Reception {
  /** Never rejects. After `failed` the hash has seen more than the file holds. */
  readonly ended: Promise<Received>
  /** For how long nothing has come although everything that came is written, ms. */
  stillForMs(): number
  /** Ends it as `broken`, and its connection. */
  cut(): void
}

export interface ReceptionTarget {
  readonly handle: FileHandle
  /** Where in the file it goes. */
  readonly position: number
  readonly hash: { update(bytes: Buffer): unknown }
  /** Called after each write, with the bytes that it took. */
  readonly onWritten: (bytes: number) => void
}

/** Two that see the same bytes. */
export const bothHashes = (one: Hash, other: Hash): ReceptionTarget['hash'] => ({
  update: bytes => {
    one.update(bytes)
    other.update(bytes)
  },
})

/** Writes a stream to a file and hashes it on the way. */
export function receive(body: Readable, { handle, position, hash, onWritten }: ReceptionTarget): Reception {
  const { promise, resolve } = Promise.withResolvers<Received>()
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let written = 0
  let unsynced = 0
  let writing = false
  let stillSince = performance.now()
  let syncing: Promise<void> | undefined
  let end: 'ended' | 'broken' | undefined
  let error: unknown

  const finish = async (): Promise<void> => {
    await syncing
    resolve(error === undefined ? { kind: end ?? 'broken', bytes: written } : { kind: 'failed', error })
  }

  const sync = (): void => {
    unsynced = 0
    syncing = handle
      .datasync()
      .catch((problem: unknown) => {
        error ??= problem
      })
      .finally(() => {
        syncing = undefined
      })
  }

  const drain = async (): Promise<void> => {
    writing = true
    while (waiting.length > 0 && error === undefined) {
      const batch = waiting
      const bytes = waitingBytes
      waiting = []
      waitingBytes = 0
      if (body.isPaused()) body.resume()
      try {
        await writeAll(handle, batch, bytes, position + written)
        written += bytes
        onWritten(bytes)
        countGarbage(bytes)
        unsynced += bytes
      } catch (problem) {
        error = problem
      }
      if (unsynced >= syncEveryBytes && syncing === undefined) sync()
    }
    writing = false
    stillSince = performance.now()
    if (error !== undefined) stop()
    if (end !== undefined || error !== undefined) await finish()
  }

  const onData = (chunk: Buffer): void => {
    hash.update(chunk)
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes >= share()) body.pause()
    if (!writing) void drain()
  }
  const onEnd = (): void => close('ended')
  const onBroken = (): void => close('broken')
  function close(ending: 'ended' | 'broken'): void {
    if (end !== undefined) return
    end = ending
    stop()
    if (!writing) void finish()
  }
  // The stream stays with its owner, who decides what becomes of the rest.
  function stop(): void {
    body.off('data', onData).off('end', onEnd).off('close', onBroken)
  }
  receiving++
  void promise.then(() => {
    receiving--
  })
  body.on('data', onData).on('end', onEnd).on('close', onBroken).on('error', onBroken)
  if (body.readableEnded) onEnd()
  else if (body.destroyed) onBroken()
  return {
    ended: promise,
    stillForMs: () => (writing ? 0 : performance.now() - stillSince),
    cut: () => void body.destroy(),
  }
}

async function writeAll(handle: FileHandle, batch: Buffer[], bytes: number, position: number): Promise<void> {
  const { bytesWritten } = await handle.writev(batch, position)
  if (bytesWritten === bytes) return
  // A short write is how a disk that fills up announces itself; the next one says why.
  let rest = Buffer.concat(batch).subarray(bytesWritten)
  let at = position + bytesWritten
  while (rest.length > 0) {
    const { bytesWritten: more } = await handle.write(rest, 0, rest.length, at)
    rest = rest.subarray(more)
    at += more
  }
}
