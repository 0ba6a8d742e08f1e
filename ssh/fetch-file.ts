import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, stat, unlink } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { SFTPWrapper, Stats } from 'ssh2'
import type { Failure } from '../contract/failure.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { Clock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-code.ts'
import type { FetchOptions } from './host.ts'
import { type Deadline, startDeadline, whenAborted } from './run-command.ts'
import type { SshConnection } from './ssh-connection.ts'

/**
 * Makes the file `to` (0600) out of what `fill` writes into a file beside it: synced, then renamed. Nothing is left
 * when `fill` answers a failure.
 */
async function stageFile(
  to: string,
  fill: (staged: string) => Promise<Failure | undefined>,
): Promise<Result<null>> {
  const staged = `${to}.part`
  try {
    await (await open(staged, 'w', 0o600)).close()
    const failure = await fill(staged)
    if (failure) {
      await unlink(staged).catch(() => {})
      return fail(failure)
    }
    const file = await open(staged, 'r+')
    try {
      await file.chmod(0o600)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(staged, to)
    return ok(null)
  } catch (error) {
    await unlink(staged).catch(() => {})
    return fail({ code: 'file-unusable', path: to, reason: reasonOf(error) })
  }
}

/** Why a file of `size` bytes is not taken, or undefined. */
function sizeRefusal(size: number, maxBytes: number): string | undefined {
  return size > maxBytes ? `it has ${size} bytes, and at most ${maxBytes} are taken` : undefined
}

/** Copies a file of this computer. Answers as `Host.fetchFile`. */
export async function copyLocalFile(
  from: string,
  to: string,
  options: FetchOptions,
  clock: Clock,
): Promise<Result<null>> {
  const unusable = (reason: string): Failure => ({ code: 'file-unusable', path: from, reason })
  const deadline = startDeadline(clock, options.limitMs, options.signal)
  try {
    const file = await stat(from)
    if (!file.isFile()) return fail(unusable('it is not a file'))
    const refused = sizeRefusal(file.size, options.maxBytes)
    if (refused !== undefined) return fail(unusable(refused))
    return await stageFile(to, async staged => {
      let done = 0
      const source = createReadStream(from, { end: Math.max(0, file.size - 1) })
      source.on('data', chunk => {
        done += chunk.length
        options.progress?.(done, file.size)
      })
      try {
        await pipeline(source, createWriteStream(staged), { signal: deadline.signal })
      } catch (error) {
        const reason = deadline.endedBy()
        if (reason === 'cancelled') return { code: 'cancelled' }
        if (reason === 'too-slow')
          return { code: 'host-too-slow', host: 'this computer', what: 'copy it', limitMs: options.limitMs }
        throw error
      }
      return done === file.size ? undefined : unusable('it changed while it was copied')
    })
  } catch (error) {
    return fail(unusable(reasonOf(error)))
  } finally {
    deadline.clear()
  }
}

/** Copies a file of another host by SFTP, with many reads under way at once. Answers as `Host.fetchFile`. */
export async function fetchBySftp(
  host: string,
  { ssh, lost: connectionLost, close }: SshConnection,
  from: string,
  to: string,
  options: FetchOptions,
  deadline: Deadline,
): Promise<Result<null>> {
  // An SFTP session begins in the home folder of the account.
  const path = from.replace(/^~\//, '')
  const unusable = (reason: string): Failure => ({ code: 'host-file-unusable', host, path: from, reason })
  /** `undefined` when it was stopped or the connection broke. */
  const unlessStopped = <T>(work: Promise<T>): Promise<T | undefined> =>
    Promise.race([
      work,
      whenAborted(deadline.signal).then(() => undefined),
      connectionLost.then(() => undefined),
    ])

  async function stopped(): Promise<Failure> {
    const reason = deadline.endedBy()
    // What is under way on the connection would go on.
    if (reason !== undefined) close()
    if (reason === 'cancelled') return { code: 'cancelled' }
    if (reason === 'too-slow')
      return { code: 'host-too-slow', host, what: 'send the file', limitMs: options.limitMs }
    return { code: 'host-lost', host, reason: await connectionLost }
  }

  const session = await unlessStopped(ssh.requestSFTP().catch((error: Error) => error))
  if (session === undefined) return fail(await stopped())
  if (session instanceof Error) return fail(unusable(`it offers no SFTP (${session.message})`))
  // What goes wrong after its end concerns nobody, and would end the app.
  session.on('error', () => {})
  try {
    const file = await unlessStopped(statOf(session, path))
    if (file === undefined) return fail(await stopped())
    if (file instanceof Error) return fail(unusable(sftpText(file)))
    if (!file.isFile()) return fail(unusable('it is not a file'))
    const refused = sizeRefusal(file.size, options.maxBytes)
    if (refused !== undefined) return fail(unusable(refused))
    return await stageFile(to, async staged => {
      const fetching = fetchAll(session, path, staged, file.size, options).then(() => 'whole' as const)
      const fetched = await unlessStopped(fetching.catch((error: Error) => error))
      if (fetched === undefined) return stopped()
      if (fetched instanceof Error) return unusable(sftpText(fetched))
      const { size } = await stat(staged)
      return size === file.size ? undefined : unusable(`it ended after ${size} of ${file.size} bytes`)
    })
  } finally {
    session.end()
  }
}

function statOf(session: SFTPWrapper, path: string): Promise<Stats | Error> {
  return new Promise(resolve => session.stat(path, (error, stats) => resolve(error ?? stats)))
}

function fetchAll(
  session: SFTPWrapper,
  from: string,
  to: string,
  size: number,
  { progress }: FetchOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    session.fastGet(from, to, { step: done => progress?.(done, size) }, error =>
      error ? reject(error) : resolve(),
    )
  })
}

/** The status of SFTP (draft-ietf-secsh-filexfer-02, 7) in words. */
function sftpText(error: Error): string {
  const code = 'code' in error ? error.code : undefined
  return code === 2 ? 'it does not exist' : code === 3 ? 'access is denied' : error.message
}
