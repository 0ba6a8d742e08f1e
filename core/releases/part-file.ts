import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { errorCode } from '../../lib/error-code.ts'
import { hashFileInto } from '../../lib/hash-file.ts'
import { trySyncFolder } from '../../lib/sync-file.ts'

/** What a `.part` file is a part of. `validator` is a strong ETag or a date, for If-Range. */
const aboutSchema = v.object({ url: v.string(), validator: v.string() })

/** A file while it is fetched: `FILE.part`, and `FILE.part.json` about where it comes from. Throws as the file system does. */
export interface PartFile {
  /** Bytes that are there. */
  readonly size: number
  /** For If-Range; absent where the rest cannot be asked for. */
  readonly validator: string | undefined
  /** Some of its bytes come from an earlier request. */
  readonly resumed: boolean
  /** Appends what `chunks` gives, hashed on the way. */
  append(chunks: AsyncIterable<Buffer>): Promise<void>
  /** From nothing, as `validator` says it can be gone on with. */
  restart(validator: string | undefined): Promise<void>
  /** Synced, 0600, under its own name; answers its SHA-256. */
  finish(): Promise<string>
  /** What is there stays for the next time. */
  leave(): Promise<void>
  discard(): Promise<void>
}

/** Bytes gathered before they are written, while the write before is still under way. */
const batchBytes = 1024 * 1024
/** Bytes after which the disk is asked to take what there is, so that the sync at the end has little left to do. */
const syncEveryBytes = 16 * batchBytes

/**
 * `resume`: with what an earlier call left, if it is of the same address. A power cut may have spoiled it, so only for a
 * file whose digest is known.
 */
export async function openPart(file: string, url: string, resume: boolean): Promise<PartFile> {
  const part = `${file}.part`
  const aboutFile = `${part}.json`
  const about = resume ? await readAbout(aboutFile) : undefined
  const handle: FileHandle = await open(part, 'a+', 0o600)
  let validator = about?.url === url ? about.validator : undefined
  let hash: Hash = createHash('sha256')
  let size = 0
  let resumed = false
  try {
    await handle.chmod(0o600)
    if (validator === undefined) await handle.truncate(0)
    else size = await hashFileInto(hash, part)
    resumed = size > 0
  } catch (error) {
    await handle.close()
    throw error
  }

  let syncing: Promise<void> | undefined
  let synced = size
  function syncAhead(): void {
    if (syncing !== undefined || size - synced < syncEveryBytes) return
    synced = size
    // A failure shows in the final sync.
    const done = (): void => {
      syncing = undefined
    }
    syncing = handle.datasync().then(done, done)
  }
  async function close(): Promise<void> {
    await syncing
    await handle.close()
  }

  async function write(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, from)
      from += bytesWritten
      size += bytesWritten
    }
    syncAhead()
  }

  return {
    get size() {
      return size
    },
    get validator() {
      return validator
    },
    get resumed() {
      return resumed
    },
    async append(chunks) {
      // Copied into two buffers in turn: chunks that wait for the disk would cost far more time in the collector.
      let [filling, full] = [Buffer.allocUnsafeSlow(batchBytes), Buffer.allocUnsafeSlow(batchBytes)]
      let bytes = 0
      let writing: Promise<void> = Promise.resolve()
      const flush = async (): Promise<void> => {
        await writing
        ;[filling, full] = [full, filling]
        const chunk = full.subarray(0, bytes)
        bytes = 0
        writing = write(chunk)
        // Awaited at the next flush; until then nobody else looks at how it ends.
        writing.catch(() => {})
        hash.update(chunk)
      }
      resumed = size > 0
      try {
        for await (const chunk of chunks)
          for (let from = 0; from < chunk.length; ) {
            const copied = chunk.copy(filling, bytes, from)
            from += copied
            bytes += copied
            if (bytes === batchBytes) await flush()
          }
      } finally {
        // What came before a connection broke is retained, and is hashed.
        await flush()
        await writing
      }
    },
    async restart(next) {
      validator = next
      hash = createHash('sha256')
      size = 0
      synced = 0
      resumed = false
      await handle.truncate(0)
      if (next === undefined || !resume) await rm(aboutFile, { force: true })
      else await writeFile(aboutFile, JSON.stringify({ url, validator: next }), { mode: 0o600 })
    },
    async finish() {
      await handle.sync()
      await close()
      await rename(part, file)
      await rm(aboutFile, { force: true })
      await trySyncFolder(dirname(file))
      return hash.digest('hex')
    },
    leave: close,
    async discard() {
      await close().catch(() => {})
      await rm(part, { force: true })
      await rm(aboutFile, { force: true })
    },
  }
}

async function readAbout(file: string): Promise<v.InferOutput<typeof aboutSchema> | undefined> {
  try {
    const read = v.safeParse(aboutSchema, JSON.parse(await readFile(file, 'utf8')))
    return read.success ? read.output : undefined
  } catch {
    return undefined
  }
}

/** SHA-256 (64 hex digits) and size of a file; undefined where there is none. */
export async function digestOf(
  file: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; bytes: number } | undefined> {
  const hash = createHash('sha256')
  try {
    const bytes = await hashFileInto(hash, file, signal)
    return { sha256: hash.digest('hex'), bytes }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
