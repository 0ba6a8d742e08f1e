import { createHash, type Hash, randomUUID } from 'node:crypto'
import { open, rm, stat, truncate } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { syncFolder } from '../../lib/sync-file.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Digest } from '../oci/reference.ts'
import type { Dedupe } from './dedupe.ts'
import { hashFile } from './digest-file.ts'
import { makeFolderBelow } from './durable.ts'
import { failureOf, guarded, isMissing } from './errno.ts'
import { fileMode, layout } from './layout.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { Chunk, Uploads } from './storage.ts'
import { dropHead, placeUpload } from './upload-files.ts'
import { createSession, startOf, type UploadSession } from './upload-session.ts'
import { type TurnLimits, turnLimits, waitForTurn } from './upload-turn.ts'
import { bothHashes, receive } from './upload-writer.ts'

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Sessions kept; the oldest idle ones are dropped and come back from disk when asked for. */
const maxSessions = 1000
/** Commits that are remembered, for clients to whom the answer was lost. */
const maxStored = 1000
/** As many wrong contents as a client may send before its upload is given up. */
const maxMismatches = 3

/** A commit that was answered. */
interface StoredUpload {
  readonly name: string
  readonly digest: string
  readonly size: number
}

export class UploadStore implements Uploads {
  readonly #root: string
  readonly #repositories: RepositoryCache
  readonly #onStored: (name: string, digest: Digest) => void
  readonly #dedupe: Dedupe | undefined
  readonly #limits: TurnLimits
  readonly #sessions = new Map<string, UploadSession>()
  readonly #stored = new LRUCache<string, StoredUpload>({ max: maxStored })

  /** `onStored` is called for every blob that was committed. */
  constructor(
    root: string,
    repositories: RepositoryCache,
    onStored: (name: string, digest: Digest) => void,
    dedupe?: Dedupe,
    limits: TurnLimits = turnLimits,
  ) {
    this.#root = root
    this.#repositories = repositories
    this.#onStored = onStored
    this.#dedupe = dedupe
    this.#limits = limits
  }

  async start(name: string): Promise<Result<string>> {
    return await guarded(async () => {
      const id = randomUUID()
      const path = layout.upload(this.#root, name, id)
      const create = async (): Promise<void> => (await open(path, 'wx', fileMode)).close()
      const leave = await this.#repositories.get(name).leases.enter()
      try {
        await create()
      } catch (error) {
        if (!isMissing(error)) throw error
        await makeFolderBelow(this.#root, layout.uploads(this.#root, name))
        await create()
      } finally {
        leave()
      }
      this.#remember(createSession(name, id))
      return success(id)
    })
  }

  async offset(name: string, id: string): Promise<Result<number>> {
    const found = await this.#find(name, id)
    if (!found.ok) return found
    found.value.reported = found.value.offset
    return success(found.value.offset)
  }

  async write(name: string, id: string, chunk: Chunk): Promise<Result<number>> {
    return await this.#alone(name, id, session => this.#append(session, chunk))
  }

  /** `also`: sees the bytes of this chunk alone. */
  async #append(session: UploadSession, chunk: Chunk, also?: Hash): Promise<Result<number>> {
    const start = startOf(session, chunk)
    if (start === undefined) {
      session.reported = session.offset
      return failure('upload-out-of-order', { offset: session.offset })
    }
    const path = this.#pathOf(session)
    if (start < session.offset) await this.#rewind(session, start)
    session.reported = undefined
    session.hash ??= await hashFile(path, 'sha256')
    const { hash } = session
    const handle = await open(path, 'r+')
    session.reception = receive(chunk.body, {
      handle,
      position: start,
      hash: also === undefined ? hash : bothHashes(hash, also),
      onWritten: bytes => {
        session.offset += bytes
      },
    })
    const received = await session.reception.ended
    session.reception = undefined
    await handle.close().catch(() => {})
    if (received.kind === 'failed') {
      // On a full disk the room is worth more than the chance to resume.
      await this.#forget(session)
      return failureOf(received.error)
    }
    const { length } = chunk
    if (received.kind === 'ended' && (length === undefined || length === received.bytes)) {
      if (received.bytes > 0) session.complete = session.offset
      return success(session.offset)
    }
    // More than was announced: nobody knows which part was meant.
    if (length !== undefined && received.bytes > length) await this.#rewind(session, start)
    session.announced = length === undefined ? undefined : start + length
    if (received.kind === 'ended') session.reported = session.offset
    return failure('size-invalid', { received: received.bytes, announced: length, offset: session.offset })
  }

  async #rewind(session: UploadSession, to: number): Promise<void> {
    await truncate(this.#pathOf(session), to)
    session.offset = to
    session.complete = Math.min(session.complete, to)
    session.hash = to === 0 ? createHash('sha256') : undefined
  }

  async commit(name: string, id: string, digest: Digest, last?: Chunk): Promise<Result<number>> {
    const committed = await this.#alone(name, id, async session => {
      const { complete } = session
      // A client that was cut before this process began may send all of it again, which only the digest tells.
      const begins = last && last.at === undefined && session.isFound ? startOf(session, last) : undefined
      const ofLast = begins ? createHash(digest.algorithm) : undefined
      if (last) {
        const written = await this.#append(session, last, ofLast)
        if (!written.ok) return written
      }
      const streamed = digest.algorithm === 'sha256' ? session.hash : undefined
      const hash = streamed ?? (await hashFile(this.#pathOf(session), digest.algorithm))
      session.hash = undefined
      const actual = hash.digest('hex')
      if (actual === digest.hex) return await this.#store(session, digest)
      if (begins && ofLast?.digest('hex') === digest.hex) {
        const path = this.#pathOf(session)
        await dropHead(path, begins, layout.upload(this.#root, name, randomUUID()))
        session.offset -= begins
        return await this.#store(session, digest)
      }
      return await this.#mismatched(session, complete, {
        expected: digest.text,
        actual: `${digest.algorithm}:${actual}`,
      })
    })
    return committed.ok ? committed : ((await this.#storedBefore(name, id, digest)) ?? committed)
  }

  /** Keeps what came before the wrong content, so that the client may send that again. */
  async #mismatched(
    session: UploadSession,
    completeBefore: number,
    detail: { expected: string; actual: string },
  ): Promise<Result<never>> {
    const isNew = session.complete > completeBefore
    const isRepeatable = isNew || session.offset > session.complete
    if (!isRepeatable || ++session.mismatches >= maxMismatches) {
      await this.#forget(session)
      return failure('digest-mismatch', detail)
    }
    if (isNew) await this.#rewind(session, completeBefore)
    session.reported = session.offset
    return failure('digest-mismatch', { ...detail, offset: session.offset })
  }

  async #store(session: UploadSession, digest: Digest): Promise<Result<number>> {
    const { name, id, offset: size } = session
    const repository = this.#repositories.get(name)
    const release = repository.leases.pin([digest.text])
    try {
      await repository.leases.settled([digest.text])
      const folder = layout.blobs(this.#root, name, digest.algorithm)
      await repository.begin()
      await repository.makeFolder(folder)
      const path = this.#pathOf(session)
      const linked = await this.#dedupe?.link(name, digest, size)
      if (linked) await rm(path)
      else await placeUpload(path, layout.blob(this.#root, name, digest), digest, size)
      await syncFolder(folder)
    } finally {
      release()
    }
    this.#sessions.delete(id)
    this.#stored.set(id, { name, digest: digest.text, size })
    this.#dedupe?.note(name, digest)
    this.#onStored(name, digest)
    return success(size)
  }

  /** The answer to a commit may have been lost with its connection: the client asks again for what was done. */
  async #storedBefore(name: string, id: string, digest: Digest): Promise<Result<number> | undefined> {
    const stored = this.#stored.get(id)
    if (stored?.name !== name || stored.digest !== digest.text) return undefined
    const found = await stat(layout.blob(this.#root, name, digest)).catch(() => undefined)
    return found?.size === stored.size ? success(stored.size) : undefined
  }

  async cancel(name: string, id: string): Promise<Result<void>> {
    return await this.#alone(name, id, async session => {
      await this.#forget(session)
      return success(undefined)
    })
  }

  /** Removes an upload that nobody has touched since `before` (ms since the epoch); answers whether it did. */
  async expire(name: string, id: string, before: number): Promise<boolean> {
    if (this.#sessions.get(id)?.busy !== undefined) return false
    const expired = await this.#alone(name, id, async session => {
      if ((await stat(this.#pathOf(session))).mtimeMs >= before) return success(false)
      await this.#forget(session)
      return success(true)
    })
    return expired.ok && expired.value
  }

  async #forget(session: UploadSession): Promise<void> {
    // In this order: nobody finds a file that is about to go.
    await rm(this.#pathOf(session), { force: true })
    this.#sessions.delete(session.id)
  }

  /** Runs work on an upload that no other request is at. */
  async #alone<T>(
    name: string,
    id: string,
    work: (session: UploadSession) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const deadline = performance.now() + this.#limits.waitMs
    for (;;) {
      const found = await this.#find(name, id)
      if (!found.ok) return found
      const session = found.value
      if (session.busy === undefined) {
        const done = Promise.withResolvers<void>()
        session.busy = done.promise
        try {
          return await guarded(() => work(session))
        } finally {
          session.busy = undefined
          done.resolve()
        }
      }
      if (!(await waitForTurn(session, deadline, this.#limits)))
        return failure('upload-busy', { offset: session.offset })
    }
  }

  async #find(name: string, id: string): Promise<Result<UploadSession>> {
    const unknown = failure('upload-unknown', { id })
    if (!idPattern.test(id)) return unknown
    const known = this.#sessions.get(id)
    if (known) return known.name === name ? success(known) : unknown
    try {
      const found = await stat(layout.upload(this.#root, name, id))
      if (!found.isFile()) return unknown
      // Somebody else may have asked meanwhile.
      const session = this.#sessions.get(id) ?? createSession(name, id, found.size)
      this.#remember(session)
      return success(session)
    } catch (error) {
      return isMissing(error) ? unknown : failureOf(error)
    }
  }

  #remember(session: UploadSession): void {
    this.#sessions.set(session.id, session)
    if (this.#sessions.size <= maxSessions) return
    for (const [id, old] of this.#sessions) {
      if (old.busy !== undefined || old === session) continue
      this.#sessions.delete(id)
      return
    }
  }

  #pathOf(session: UploadSession): string {
    return layout.upload(this.#root, session.name, session.id)
  }
}
