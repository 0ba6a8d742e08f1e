import { join } from 'node:path'
import type { Failure } from '../contract/failure.ts'
import { fail, type Result } from '../contract/result.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-code.ts'
import { fetchBySftp } from './fetch-file.ts'
import type { CommandResult, FetchOptions, Host, HostCommand } from './host.ts'
import { createOutputBuffer, type Deadline, startDeadline, waitOrStop, whenAborted } from './run-command.ts'
import { startSshCommand } from './ssh-command.ts'
import { connectSsh, type SshConnection } from './ssh-connection.ts'
import { parseTarget, sshSettings } from './ssh-settings.ts'

export interface SshHostOptions {
  /** The home folder of the user, for ~/.ssh. */
  home: string
  /** The folder of the app, whose known_hosts counts too. */
  zotbarHome: string
  environment?: Readonly<Record<string, string | undefined>>
  clock?: Clock
  /** How long a command that is stopped may take to end by itself, in ms. */
  graceMs?: number
  /** How long connecting and signing in may take together, in ms. */
  connectMs?: number
}

interface Attempt {
  connected: Promise<Result<SshConnection>>
  /** The number of callers that wait; the attempt is given up with the last. */
  waiting: number
  stop: AbortController
  settled: boolean
}

/**
 * Another host over SSH, as the user's own ssh reaches it: "host", "user@host", "user@host:port". Connects with the
 * first command and stays connected until `close`, which keeps the process alive.
 */
export function sshHost(target: string, options: SshHostOptions): Host {
  const { home, zotbarHome, environment = process.env, clock = systemClock() } = options
  const { graceMs = 5000, connectMs = 20_000 } = options
  const knownHosts = [
    join(home, '.ssh', 'known_hosts'),
    join(zotbarHome, 'known_hosts'),
    '/etc/ssh/ssh_known_hosts',
  ]
  let attempt: Attempt | undefined

  async function connect(limitMs: number, signal: AbortSignal): Promise<Result<SshConnection>> {
    const read = parseTarget(target)
    if (!read.ok) return read
    let settings: Awaited<ReturnType<typeof sshSettings>>
    try {
      settings = await sshSettings(read.value, home, environment)
    } catch (error) {
      return fail({ code: 'file-unusable', path: join(home, '.ssh', 'config'), reason: reasonOf(error) })
    }
    return connectSsh({ settings, knownHosts, limitMs, signal })
  }

  function begin(limitMs: number): Attempt {
    const stop = new AbortController()
    const connected = connect(Math.min(limitMs, connectMs), stop.signal).catch(
      (error): Result<SshConnection> =>
        fail({ code: 'host-unreachable', host: target, reason: reasonOf(error) }),
    )
    const started: Attempt = { connected, waiting: 0, stop, settled: false }
    const forget = (): void => {
      if (attempt === started) attempt = undefined
    }
    void connected.then(result => {
      started.settled = true
      if (result.ok) void result.value.lost.then(forget)
      else forget()
    })
    attempt = started
    return started
  }

  /** The one connection, made where there is none. */
  async function connection(limitMs: number, deadline: Deadline): Promise<Result<SshConnection>> {
    if (deadline.signal.aborted) return fail({ code: 'cancelled' })
    const current = attempt ?? begin(limitMs)
    current.waiting += 1
    const result = await Promise.race([current.connected, whenAborted(deadline.signal)])
    current.waiting -= 1
    if (result) return result
    if (current.waiting === 0 && !current.settled) {
      if (attempt === current) attempt = undefined
      current.stop.abort()
    }
    if (deadline.endedBy() === 'cancelled') return fail({ code: 'cancelled' })
    return fail({ code: 'host-unreachable', host: target, reason: 'it does not answer in time' })
  }

  async function run(command: HostCommand): Promise<CommandResult> {
    const deadline = startDeadline(clock, command.limitMs, command.signal)
    try {
      const connected = await connection(command.limitMs, deadline)
      if (connected.ok) return await runOn(connected.value, command, deadline, { target, graceMs, clock })
      return connected.error.code === 'cancelled'
        ? { kind: 'cancelled', stdout: '', stderr: '' }
        : { kind: 'not-started', error: connected.error }
    } finally {
      deadline.clear()
    }
  }

  return {
    name: target,
    run,
    async fetchFile(from, to, fetching: FetchOptions) {
      const deadline = startDeadline(clock, fetching.limitMs, fetching.signal)
      try {
        const connected = await connection(fetching.limitMs, deadline)
        return connected.ok
          ? await fetchBySftp(target, connected.value, from, to, fetching, deadline)
          : connected
      } finally {
        deadline.clear()
      }
    },
    async close() {
      const current = attempt
      attempt = undefined
      if (current === undefined) return
      current.stop.abort()
      const connected = await current.connected
      if (!connected.ok) return
      connected.value.close()
      await connected.value.lost
    },
  }
}

/** Runs a command over a connection, until it ends or the deadline does. */
async function runOn(
  { ssh, lost: connectionLost, close }: SshConnection,
  command: HostCommand,
  deadline: Deadline,
  { target, graceMs, clock }: { target: string; graceMs: number; clock: Clock },
): Promise<CommandResult> {
  const { onOutput, line, folder, stdin = '' } = command
  const stdout = createOutputBuffer(onOutput && (lines => onOutput(lines, 'stdout')))
  const stderr = createOutputBuffer(onOutput && (lines => onOutput(lines, 'stderr')))
  const start = { line, folder, stdin, graceMs }
  const starting = startSshCommand(ssh, start, { stdout, stderr }).catch((error: Error) => error)
  const started = await Promise.race([starting, whenAborted(deadline.signal)])
  if (started === undefined) {
    // Whether the host will still begin it is not known.
    close()
    return { kind: deadline.endedBy() ?? 'cancelled', stdout: '', stderr: '' }
  }
  if (started instanceof Error) {
    const lost = await Promise.race([connectionLost, Promise.resolve(undefined)])
    return { kind: 'not-started', error: startFailure(target, started, lost) }
  }
  let code: number | undefined
  const finished = Promise.race([started.ended, connectionLost.then(() => undefined)]).then(exit => {
    code = exit
  })
  const ended = await waitOrStop(
    { ended: finished, stop: started.stop, detach: started.detach },
    deadline,
    clock,
  )
  stdout.end()
  stderr.end()
  const output = { stdout: stdout.text(), stderr: stderr.text() }
  if (ended !== 'over') return { kind: ended, ...output }
  if (code !== undefined) return { kind: 'ended', code, ...output }
  const reason = await Promise.race([connectionLost, closedWithoutExit(clock)])
  return { kind: 'lost', error: { code: 'host-lost', host: target, reason }, ...output }
}

const startFailure = (host: string, error: Error, lost: string | undefined): Failure =>
  lost === undefined
    ? { code: 'host-no-shell', host, reason: error.message }
    : { code: 'host-lost', host, reason: lost }

/** A channel closed without an exit code, and the connection stays: the command cannot be distinguished from one that broke. */
function closedWithoutExit(clock: Clock): Promise<string> {
  return new Promise(resolve => {
    clock.setTimer(clock.now() + 1000, () => resolve('the host ended the command without saying how'))
  })
}
