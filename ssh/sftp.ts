import { stat } from 'node:fs/promises'
import type { SFTPWrapper, Stats } from 'ssh2'
import type { Failure } from '../contract/failure.ts'
import { fail, type Result } from '../contract/result.ts'
import type { FetchOptions } from './host.ts'
import { fired, type Limit } from './limit.ts'
import type { SshConnection } from './ssh-connection.ts'
import { stageFile, tooLarge } from './stage-file.ts'

/** Copies a file of another host by SFTP, with many reads under way at once. Answers as `Host.fetchFile`. */
export async function fetchBySftp(
  host: string,
  { ssh, gone, close }: SshConnection,
  from: string,
  to: string,
  options: FetchOptions,
  ends: Limit,
): Promise<Result<null>> {
  // An SFTP session begins in the home folder of the account.
  const path = from.replace(/^~\//, '')
  const unusable = (reason: string): Failure => ({ code: 'host-file-unusable', host, path: from, reason })
  /** `undefined` when it was stopped or the connection broke. */
  const unlessStopped = <T>(work: Promise<T>): Promise<T | undefined> =>
    Promise.race([work, fired(ends.signal).then(() => undefined), gone.then(() => undefined)])

  async function stopped(): Promise<Failure> {
    const why = ends.why()
    // What is under way on the connection would go on.
    if (why !== undefined) close()
    if (why === 'cancelled') return { code: 'cancelled' }
    if (why === 'too-slow')
      return { code: 'host-too-slow', host, what: 'send the file', limitMs: options.limitMs }
    return { code: 'host-lost', host, reason: await gone }
  }

  const session = await unlessStopped(ssh.requestSFTP().catch((error: Error) => error))
  if (session === undefined) return fail(await stopped())
  if (session instanceof Error) return fail(unusable(`it offers no SFTP (${session.message})`))
  // What goes wrong after its end concerns nobody, and would end the app.
  session.on('error', () => {})
  try {
    const found = await unlessStopped(statOf(session, path))
    if (found === undefined) return fail(await stopped())
    if (found instanceof Error) return fail(unusable(sftpText(found)))
    if (!found.isFile()) return fail(unusable('it is not a file'))
    const refused = tooLarge(found.size, options.maxBytes)
    if (refused !== undefined) return fail(unusable(refused))
    return await stageFile(to, async staged => {
      const fetching = fetchAll(session, path, staged, found.size, options).then(() => 'whole' as const)
      const fetched = await unlessStopped(fetching.catch((error: Error) => error))
      if (fetched === undefined) return stopped()
      if (fetched instanceof Error) return unusable(sftpText(fetched))
      const { size } = await stat(staged)
      return size === found.size ? undefined : unusable(`it ended after ${size} of ${found.size} bytes`)
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
