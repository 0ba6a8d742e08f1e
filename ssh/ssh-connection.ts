import { readFile } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import type { NodeSSH } from 'node-ssh'
import type { ServerHostKeyAlgorithm } from 'ssh2'
import type { Failure } from '../contract/failure.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import { errorCode, reasonOf } from '../lib/error-code.ts'
import { checkHostKey, fingerprint, type KnownHost, knownKeyTypes, parseKnownHosts } from './known-hosts.ts'
import { identitiesOf, type SshIdentities } from './ssh-keys.ts'
import type { SshSettings } from './ssh-settings.ts'
import { knownHostName } from './ssh-settings.ts'

export interface SshConnection {
  ssh: NodeSSH
  /** Resolves to the reason, half a sentence, once the connection is gone. */
  lost: Promise<string>
  close(): void
}

export interface ConnectOptions {
  settings: SshSettings
  /** Files of known keys; those that are not there are passed over. */
  knownHosts: string[]
  limitMs: number
  /** Gives up. */
  signal: AbortSignal
}

/** A peer that says nothing for three of these is gone, in ms. */
const keepAliveMs = 15_000

/**
 * Connects and signs in. The host shows its key first: unless it is known, the user's keys are not even named to it.
 * Errors: host-unreachable, host-key-unknown, host-key-changed, host-key-revoked, host-denied, cancelled.
 */
export async function connectSsh(options: ConnectOptions): Promise<Result<SshConnection>> {
  const { settings, knownHosts, limitMs, signal } = options
  const { address, port, user } = settings
  const host = knownHostName(address, port)
  const unreachable = (reason: string) => fail({ code: 'host-unreachable', host, reason })
  if (settings.proxy !== undefined)
    return unreachable(`~/.ssh/config reaches it by ${settings.proxy}, which Zotbar does not follow`)
  const [{ NodeSSH: Ssh }, { default: ssh2 }] = await Promise.all([import('node-ssh'), import('ssh2')])
  const [entries, identities] = await Promise.all([readKnownHosts(knownHosts), identitiesOf(settings, ssh2)])
  const end = performance.now() + limitMs
  const socket = await openSocket(address, port, limitMs, signal)
  if ('error' in socket)
    return signal.aborted ? fail({ code: 'cancelled' }) : unreachable(socketText(socket.error, port, limitMs))

  let refused: Failure | undefined
  let lastError: unknown
  const ssh = new Ssh()
  const stop = (): void => void socket.socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  const signingIn = ssh.connect({
    sock: socket.socket,
    username: user,
    readyTimeout: Math.max(1000, end - performance.now()),
    keepaliveInterval: keepAliveMs,
    algorithms: { serverHostKey: algorithmsFor(knownKeyTypes(entries, host, address.toLowerCase())) },
    authHandler: identities.methods,
    hostVerifier: (key: Buffer) => {
      refused = hostKeyFailure(entries, settings, key, knownHosts)
      return refused === undefined
    },
  })
  const { connection } = ssh
  // Without a listener an error would end the app.
  connection?.on('error', error => {
    lastError = error
  })
  const lost = new Promise<string>(resolve => {
    connection?.on('close', () =>
      resolve(lastError === undefined ? 'the host closed it' : lostText(lastError)),
    )
  })
  try {
    await signingIn
  } catch (error) {
    socket.socket.destroy()
    if (signal.aborted) return fail({ code: 'cancelled' })
    return fail(refused ?? signInFailure(lastError ?? error, host, user, identities, limitMs))
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return ok({ ssh, lost, close: () => ssh.dispose() })
}

async function readKnownHosts(files: string[]): Promise<KnownHost[]> {
  const texts = await Promise.all(
    files.map(async file => parseKnownHosts(await readFile(file, 'utf8').catch(() => ''), file)),
  )
  return texts.flat()
}

function openSocket(
  host: string,
  port: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<{ socket: Socket } | { error: unknown }> {
  return new Promise(resolve => {
    const socket = connectSocket({ host, port })
    const finish = (error: unknown): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      socket.off('error', finish)
      if (error === undefined) resolve({ socket })
      else {
        socket.on('error', () => {})
        socket.destroy()
        resolve({ error })
      }
    }
    const cancel = (): void => finish(new Error('cancelled'))
    const timer = setTimeout(() => finish(new Error('too slow')), limitMs)
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    socket.once('connect', () => finish(undefined))
    socket.once('error', finish)
  })
}

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/** The kinds of host key that are asked for, those that are known first (RFC 8332 for the names of RSA). */
function algorithmsFor(types: string[]): ServerHostKeyAlgorithm[] {
  const isKnown = (algorithm: string): boolean =>
    types.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter(algorithm => !isKnown(algorithm))]
}

function hostKeyFailure(
  entries: KnownHost[],
  { address, port, user }: SshSettings,
  key: Buffer,
  files: string[],
): Failure | undefined {
  const host = knownHostName(address, port)
  const target = `${port === 22 ? '' : `-p ${port} `}${user}@${address}`
  const presented = fingerprint(key)
  const verdict = checkHostKey(entries, host, address.toLowerCase(), key)
  switch (verdict.kind) {
    case 'known':
      return undefined
    case 'unknown':
      return { code: 'host-key-unknown', host, target, presented, files }
    case 'revoked':
      return { code: 'host-key-revoked', host, presented, file: verdict.by.file, line: verdict.by.line }
    case 'changed':
      return {
        code: 'host-key-changed',
        host,
        target,
        presented,
        known: verdict.known.map(({ key, file, line }) => ({ fingerprint: fingerprint(key), file, line })),
      }
  }
}

function signInFailure(
  error: unknown,
  host: string,
  user: string,
  { tried, skipped }: SshIdentities,
  limitMs: number,
): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const level = error instanceof Error && 'level' in error ? error.level : undefined
  if (level === 'client-authentication') return { code: 'host-denied', host, user, tried, skipped }
  if (level === 'agent')
    return {
      code: 'host-denied',
      host,
      user,
      tried,
      skipped,
      reason: `the ssh-agent did not sign: ${message}`,
    }
  if (/too many authentication failures/i.test(message))
    return { code: 'host-denied', host, user, tried, skipped, reason: message }
  const reason =
    level === 'client-timeout'
      ? `it did not finish the sign-in within ${Math.round(limitMs / 1000)} s`
      : message === 'Connection lost before handshake'
        ? 'what answers there does not speak SSH'
        : level === 'client-socket'
          ? lostText(error)
          : `it broke off the sign-in: ${message}`
  return { code: 'host-unreachable', host, reason }
}

function socketText(error: unknown, port: number, limitMs: number): string {
  // One error for several addresses that were tried.
  const first = error instanceof AggregateError ? error.errors[0] : error
  switch (errorCode(first)) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known here'
    case 'ECONNREFUSED':
      return `nothing listens at its port ${port}`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to it'
    case 'ETIMEDOUT':
      return 'it does not answer'
    default:
      return reasonOf(first) === 'too slow'
        ? `it does not answer within ${Math.round(limitMs / 1000)} s`
        : reasonOf(first)
  }
}

function lostText(error: unknown): string {
  const code = errorCode(error)
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'it was reset'
  const message = error instanceof Error ? error.message : String(error)
  return message === 'Keepalive timeout' ? 'the host went silent' : message
}
