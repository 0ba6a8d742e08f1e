import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { freeSpace } from '../platform/volume.ts'
import type { Web, WebAnswer } from '../platform/web.ts'
import { withoutSecrets } from '../platform/web-failure.ts'
import { digestOf, openPart, type PartFile } from './part-file.ts'

export interface FetchOptions {
  web: Web
  url: string
  /** Where it is put, absolute; 0600. */
  file: string
  /** What the release says about it. */
  listed?: { bytes: number; sha256?: string }
  /** The most it may have, in bytes, where nothing is listed. */
  maxBytes: number
  signal: AbortSignal
  progress?: ((done: number, total?: number) => void) | undefined
  timing: Timing
}

/** Times in ms. Tests give shorter ones. */
export interface Timing {
  /** Until the first repetition; each further one doubles it. */
  backoffMs: number
  /** Less than `slowBytes` in this span is taken for a standstill. */
  slowAfterMs: number
  slowBytes: number
  wait(ms: number, signal: AbortSignal): Promise<void>
  monotonic(): number
}

/** Repetitions that brought next to nothing, and at all. */
const maxFruitlessAttempts = 4
const fruitfulBytes = 64 * 1024
/** ms between two words about the progress. */
const progressIntervalMs = 250
const maxAttempts = 40

interface FetchedFile {
  bytes: number
  sha256: string
}

/**
 * Fetches a file whole or not at all: into FILE.part, hashed on the way, resumed after an interruption, synced, renamed.
 * Errors: those of `Web.get`, web-refused, web-too-large, download-broken, no-space, file-unusable, cancelled.
 */
export async function fetchFile(options: FetchOptions): Promise<Result<FetchedFile>> {
  const { file, listed, signal, progress } = options
  const folder = dirname(file)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (listed?.sha256 !== undefined) {
      const existing = await digestOf(file, signal)
      if (existing?.sha256 === listed.sha256) {
        progress?.(existing.bytes, existing.bytes)
        return ok(existing)
      }
    }
    const first = await fetchOnce(options, listed?.sha256 !== undefined)
    if (!first.ok) return first
    const { resumed, ...fetched } = first.value
    const spoiled = resumed && listed?.sha256 !== undefined && fetched.sha256 !== listed.sha256
    if (!spoiled) return ok(fetched)
    // Put together of parts that do not belong to each other: once more, in one piece.
    await rm(file, { force: true })
    const again = await fetchOnce(options, false)
    return again.ok ? ok({ bytes: again.value.bytes, sha256: again.value.sha256 }) : again
  } catch (error) {
    if (signal.aborted) return fail({ code: 'cancelled' })
    return fail(await fileFailure(error, folder, listed?.bytes ?? 0))
  }
}

/** What the file system's error means for someone who wanted to write `needed` bytes there. */
export async function fileFailure(error: unknown, path: string, needed: number): Promise<Failure> {
  const code = errorCode(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return { code: 'file-unusable', path, reason: reasonOf(error) }
  const free = await freeSpace(path).catch(() => undefined)
  return { code: 'no-space', path, needed, ...(free === undefined ? {} : { free: free.freeBytes }) }
}

/** Undefined where the space is enough or unknown. */
export async function findLackOfSpace(path: string, needed: number): Promise<Failure | undefined> {
  const free = await freeSpace(path).catch(() => undefined)
  return free === undefined || free.freeBytes >= needed
    ? undefined
    : { code: 'no-space', path, needed, free: free.freeBytes }
}

async function fetchOnce(
  options: FetchOptions,
  resume: boolean,
): Promise<Result<FetchedFile & { resumed: boolean }>> {
  const { url, file, listed } = options
  const part = await openPart(file, url, resume)
  let whole = false
  let retainPart = listed?.sha256 !== undefined
  try {
    const lack = await findLackOfSpace(dirname(file), Math.max(0, (listed?.bytes ?? 0) - part.size))
    const failure = lack ?? (await fill(part, options))
    if (failure !== undefined) {
      retainPart &&= failure.code !== 'web-too-large'
      return fail(failure)
    }
    // From here on a cancel comes too late.
    const [bytes, resumed] = [part.size, part.resumed]
    const sha256 = await part.finish()
    whole = true
    return ok({ bytes, sha256, resumed })
  } finally {
    if (!whole) await (retainPart && part.validator !== undefined ? part.leave() : part.discard())
  }
}

/** Asks until the part is whole; undefined when it is. */
async function fill(part: PartFile, options: FetchOptions): Promise<Failure | undefined> {
  const { listed, signal, timing, url } = options
  let inVain = 0
  let total = listed?.bytes
  for (let attempt = 1; ; attempt += 1) {
    if (listed !== undefined && part.size > listed.bytes) await part.restart(undefined)
    if (listed !== undefined && part.size === listed.bytes && listed.bytes > 0) return undefined
    const before = part.size
    const attempted = await requestOnce(part, options)
    if (attempted.kind === 'whole') return undefined
    total = attempted.total ?? total
    if (attempted.kind === 'failed') return attempted.error
    inVain = part.size - before > fruitfulBytes ? 0 : inVain + 1
    if (signal.aborted) return { code: 'cancelled' }
    if (inVain > maxFruitlessAttempts || attempt === maxAttempts) {
      if (part.size === 0 && attempted.error.code !== 'download-broken') return attempted.error
      const reason = 'reason' in attempted.error ? attempted.error.reason : 'it answers with errors'
      return {
        code: 'download-broken',
        url: withoutSecrets(url),
        bytes: part.size,
        ...(total === undefined ? {} : { of: total }),
        reason,
      }
    }
    await timing.wait(timing.backoffMs * 2 ** Math.max(0, inVain - 1), signal).catch(() => {})
    if (signal.aborted) return { code: 'cancelled' }
  }
}

type Attempt =
  | { kind: 'whole' }
  /** Worth another try. */
  | { kind: 'broken'; error: Failure; total?: number }
  | { kind: 'failed'; error: Failure; total?: number }

async function requestOnce(part: PartFile, { web, url, ...options }: FetchOptions): Promise<Attempt> {
  const { listed, maxBytes, signal, progress, timing } = options
  const from = part.size
  const range: Record<string, string> =
    from > 0 && part.validator !== undefined ? { range: `bytes=${from}-`, 'if-range': part.validator } : {}
  const response = await web.get(url, { signal, headers: { accept: 'application/octet-stream', ...range } })
  if (!response.ok) {
    const again = response.error.code === 'web-unreachable' && isWorthRetrying(response.error.cause, from > 0)
    return { kind: again ? 'broken' : 'failed', error: response.error }
  }
  const { status, body } = response.value
  const drop = () => body.destroy()
  const refused: Failure = { code: 'web-refused', url: withoutSecrets(url), status }
  if (status === 200) await part.restart(validatorOf(response.value))
  else if (status === 416 || (status === 206 && startOf(response.value) !== from)) {
    drop()
    await part.restart(undefined)
    return { kind: 'broken', error: refused }
  } else if (status !== 206) {
    drop()
    return { kind: status >= 500 || status === 408 ? 'broken' : 'failed', error: refused }
  }
  const total = totalOf(response.value, part.size)
  const limit = listed?.bytes ?? maxBytes
  const tooLarge: Attempt = {
    kind: 'failed',
    error: { code: 'web-too-large', url: withoutSecrets(url), limit },
  }
  if ((total ?? 0) > limit) {
    drop()
    return tooLarge
  }
  const wanted = total ?? listed?.bytes
  progress?.(part.size, wanted)
  let trouble: Failure | undefined
  let tooMuch = false
  async function* chunks(): AsyncIterable<Buffer> {
    let size = part.size
    let since = timing.monotonic()
    let reportedAt = since
    let inSpan = 0
    try {
      for await (const chunk of body) {
        size += chunk.length
        inSpan += chunk.length
        tooMuch = size > limit
        if (tooMuch) return
        yield chunk
        const now = timing.monotonic()
        if (now - reportedAt >= progressIntervalMs) {
          reportedAt = now
          progress?.(size, wanted)
        }
        if (now - since < timing.slowAfterMs) continue
        if (inSpan < timing.slowBytes) {
          trouble = slow(url, timing)
          return
        }
        ;[since, inSpan] = [now, 0]
      }
    } catch (error) {
      trouble = web.failureOf(error, url, signal)
    } finally {
      drop()
    }
  }
  await part.append(chunks())
  progress?.(part.size, wanted)
  if (tooMuch) return tooLarge
  if (trouble === undefined && wanted !== undefined && part.size < wanted)
    trouble = { code: 'web-unreachable', url: withoutSecrets(url), cause: 'cut', reason: 'it ended early' }
  if (trouble === undefined) return { kind: 'whole' }
  if (trouble.code === 'cancelled') return { kind: 'failed', error: trouble }
  // Without a validator the rest cannot be asked for.
  if (part.validator === undefined) await part.restart(undefined)
  return { kind: 'broken', error: trouble, ...(wanted === undefined ? {} : { total: wanted }) }
}

/** In the middle of a download the network itself may have changed. */
const isWorthRetrying = (cause: string, begun: boolean): boolean =>
  cause === 'silent' || cause === 'cut' || (begun && ['no-network', 'name', 'refused'].includes(cause))

const slow = (url: string, { slowBytes, slowAfterMs: slowAfter }: Timing): Failure => ({
  code: 'web-unreachable',
  url: withoutSecrets(url),
  cause: 'silent',
  reason: `it sent fewer than ${slowBytes} bytes in ${Math.round(slowAfter / 1000)} s`,
})

/** A strong ETag, or a date (RFC 9110, 13.1.5). */
function validatorOf({ headers }: WebAnswer): string | undefined {
  const { etag } = headers
  if (etag?.startsWith('"')) return etag
  return headers['last-modified']
}

const startOf = ({ headers }: WebAnswer): number | undefined => {
  const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
  return start === undefined ? undefined : Number(start)
}

/** The size of the whole file, as the answer says it. */
function totalOf({ status, headers }: WebAnswer, from: number): number | undefined {
  const whole = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  if (status === 206 && whole !== undefined) return Number(whole)
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length) + from
}
