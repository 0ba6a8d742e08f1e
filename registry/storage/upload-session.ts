import { createHash, type Hash } from 'node:crypto'
import type { Chunk } from './storage.ts'
import type { Reception } from './upload-writer.ts'

/** What memory knows of an upload; the file alone is enough to go on after a restart. */
export interface UploadSession {
  readonly name: string
  readonly id: string
  /** Found on disk: nobody knows where its requests ended. */
  readonly isFound: boolean
  /** Bytes in the file, also while a request is writing it. */
  offset: number
  /** Where the last request that arrived completely ended. What lies beyond came with requests that were cut. */
  complete: number
  /** The offset that was reported to a client since the last request began; undefined: nobody has asked. */
  reported: number | undefined
  /** Where the last request that was cut would have ended, if it said so. */
  announced: number | undefined
  /** Has seen exactly the bytes of the file; undefined: must be made by reading them again. */
  hash: Hash | undefined
  /** Commits whose content was not what the digest said. */
  mismatches: number
  /** Ends when the request at work on it ends. */
  busy: Promise<void> | undefined
  /** The body that is arriving. */
  reception: Reception | undefined
}

/** `found`: the bytes of an upload that was begun before this process. */
export const createSession = (name: string, id: string, found?: number): UploadSession => ({
  name,
  id,
  isFound: found !== undefined,
  offset: found ?? 0,
  complete: found ?? 0,
  reported: undefined,
  announced: undefined,
  hash: found === undefined ? createHash('sha256') : undefined,
  mismatches: 0,
  busy: undefined,
  reception: undefined,
})

/**
 * Where a chunk goes; undefined: it is out of order. After a cut, a client either goes on or sends the same
 * again. With Content-Range it says which. Without, the length tells, and else whether it has asked how far
 * the upload got: who has not can only send the same again.
 */
export function startOf(session: UploadSession, { at, length }: Omit<Chunk, 'body'>): number | undefined {
  const { offset, complete, reported, announced } = session
  if (at !== undefined) return at >= complete && at <= offset ? at : undefined
  if (offset === complete || length === 0) return offset
  if (length !== undefined && announced !== undefined) {
    const fits = [complete, reported, offset].find(
      start => start !== undefined && start + length === announced,
    )
    if (fits !== undefined) return fits
  }
  return reported ?? complete
}
