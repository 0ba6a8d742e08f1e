import { createHash, type Hash, randomUUID } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { syncFile, syncFolder } from '../../lib/sync-file.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Digest } from '../oci/reference.ts'
import type { Dedupe } from './dedupe.ts'
import { hashFile, isWhole } from './digest-file.ts'
import { makeFolderBelow, touch } from './durable.ts'
import { failureOf, guarded, isMissing } from './errno.ts'
import { fileMode, layout } from './layout.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { Chunk, Uploads } from './storage.ts'
import { receive } from './upload-writer.ts'

/** What memory knows of an upload; the file alone is enough to go on after a restart. */
interface Session {
  readonly name: string
  readonly id: string
  offset: number
  /** Has seen exactly the bytes of the file; undefined: must be made by reading them again. */
  hash: Hash | undefined
  /** Ends when the request at work on it ends. */
  busy: Promise<void> | undefined
}

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Sessions kept; the oldest idle ones are dropped and come back from disk when asked for. */
const maxSessions = 1000
/** How long a request waits for another one on the same upload, ms: a broken connection is noticed late. */
const waitTimeoutMs = 2000

export class UploadStore implements Uploads {
  readonly #root: string
  readonly #repositories: RepositoryCache
  readonly #onStored: (name: string, digest: Digest) => void
  readonly #dedupe: Dedupe | undefined
  readonly #sessions = new Map<string, Session>()

  /** `onStored` is called for every blob that was committed. */
  constructor(
    root: string,
    repositories: RepositoryCache,
    onStored: (name: string, digest: Digest) => void,
    dedupe?: Dedupe,
  ) {
    this.#root = root
    this.#repositories = repositories
    this.#onStored = onStored
    this.#dedupe = dedupe
  }

  async start(name: string): Promise<Result<string>> {
    return await guarded(async () => {
      const id = randomUUID()
      const path = layout.upload(this.#root, name, id)
      const create = async (): Promise<void> => (await open(path, 'wx', fileMode)).close()
      try {
        await create()
      } catch (error) {
        if (!isMissing(error)) throw error
        await makeFolderBelow(this.#root, layout.uploads(this.#root, name))
        await create()
      }
      this.#remember({ name, id, offset: 0, hash: createHash('sha256'), busy: undefined })
      return success(id)
    })
  }

  async offset(name: string, id: string): Promise<Result<number>> {
    const found = await this.#find(name, id)
    return found.ok ? success(found.value.offset) : found
  }

  async write(name: string, id: string, chunk: Chunk): Promise<Result<number>> {
    return await this.#alone(name, id, session => this.#append(session, chunk))
  }

  async #append(session: Session, chunk: Chunk): Promise<Result<number>> {
    if (chunk.at !== undefined && chunk.at !== session.offset) {
      return failure('upload-out-of-order', { offset: session.offset })
    }
    const path = this.#pathOf(session)
    session.hash ??= await hashFile(path, 'sha256')
    const { hash } = session
    const handle = await open(path, 'r+')
    const received = await receive(chunk.body, handle, session.offset, hash)
    await handle.close().catch(() => {})
    if (received.kind === 'failed') {
      // On a full disk the room is worth more than the chance to resume.
      await this.#forget(session)
      return failureOf(received.error)
    }
    session.offset += received.bytes
    if (received.kind === 'broken' || (chunk.length !== undefined && chunk.length !== received.bytes)) {
      return failure('size-invalid', { received: received.bytes, announced: chunk.length })
    }
    return success(session.offset)
  }

  async commit(name: string, id: string, digest: Digest): Promise<Result<void>> {
    return await this.#alone(name, id, async session => {
      const path = this.#pathOf(session)
      const streamed = digest.algorithm === 'sha256' ? session.hash : undefined
      const hash = streamed ?? (await hashFile(path, digest.algorithm))
      session.hash = undefined
      const actual = hash.digest('hex')
      if (actual !== digest.hex) {
        await this.#forget(session)
        return failure('digest-mismatch', { expected: digest.text, actual: `${digest.algorithm}:${actual}` })
      }
      const repository = this.#repositories.get(name)
      const release = repository.leases.pin([digest.text])
      try {
        await repository.leases.settled([digest.text])
        const folder = layout.blobs(this.#root, name, digest.algorithm)
        await repository.makeFolder(folder)
        const linked = await this.#dedupe?.link(name, digest, session.offset)
        if (linked) await rm(path)
        else await this.#place(path, layout.blob(this.#root, name, digest), digest, session.offset)
        await syncFolder(folder)
      } finally {
        release()
      }
      this.#sessions.delete(id)
      this.#dedupe?.note(name, digest)
      this.#onStored(name, digest)
      return success(undefined)
    })
  }

  /** A blob that is there already stays, as it may be shared with other repositories; a damaged one is replaced. */
  async #place(from: string, to: string, digest: Digest, size: number): Promise<void> {
    const existing = await stat(to).catch(() => undefined)
    if (existing?.isFile() && existing.size === size && (await isWhole(to, digest))) {
      // Its writer may not have synced it (zot does not, by default).
      await syncFile(to, { dataOnly: true })
      await touch(to, existing.mtimeMs)
      return await rm(from)
    }
    const handle = await open(from, 'r+')
    try {
      const now = Date.now() / 1000
      await handle.utimes(now, now)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(from, to)
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

  async #forget(session: Session): Promise<void> {
    this.#sessions.delete(session.id)
    await rm(this.#pathOf(session), { force: true })
  }

  /** Runs work on an upload that no other request is at. */
  async #alone<T>(
    name: string,
    id: string,
    work: (session: Session) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const deadline = Date.now() + waitTimeoutMs
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
      if (!(await endsBefore(session.busy, deadline)))
        return failure('upload-busy', { offset: session.offset })
    }
  }

  async #find(name: string, id: string): Promise<Result<Session>> {
    const unknown = failure('upload-unknown', { id })
    if (!idPattern.test(id)) return unknown
    const known = this.#sessions.get(id)
    if (known) return known.name === name ? success(known) : unknown
    try {
      const found = await stat(layout.upload(this.#root, name, id))
      if (!found.isFile()) return unknown
      // Somebody else may have asked meanwhile.
      const session = this.#sessions.get(id) ?? {
        name,
        id,
        offset: found.size,
        hash: undefined,
        busy: undefined,
      }
      this.#remember(session)
      return success(session)
    } catch (error) {
      return isMissing(error) ? unknown : failureOf(error)
    }
  }

  #remember(session: Session): void {
    this.#sessions.set(session.id, session)
    if (this.#sessions.size <= maxSessions) return
    for (const [id, old] of this.#sessions) {
      if (old.busy !== undefined || old === session) continue
      this.#sessions.delete(id)
      return
    }
  }

  #pathOf(session: Session): string {
    return layout.upload(this.#root, session.name, session.id)
  }
}

async function endsBefore(work: Promise<void>, deadline: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, Math.max(0, deadline - Date.now()), false)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
