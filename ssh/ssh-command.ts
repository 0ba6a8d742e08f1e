import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeSSH } from 'node-ssh'
import type { ClientChannel } from 'ssh2'
import type { OutputBuffer } from './run-command.ts'
import { shellWord } from './run-command.ts'

/** A command line of another host that runs. */
export interface SshCommand {
  /** The exit code once it ended and its output is read; undefined when the connection broke. */
  ended: Promise<number | undefined>
  stop(): Promise<void>
  detach(): void
}

/** How long what the command left running may hold its output, in ms. */
const outputGraceMs = 2000
/** The word before the number of the process group; more of stderr than this is not searched for it, in bytes. */
const marker = 'zotbar-group='
const markerSearchBytes = 4096
const markerLine = new RegExp(`${marker}(\\d+)\\r?\\n`)

/**
 * The line that the login shell gets. The shell says its process group first, so that everything that it starts can be
 * ended: the signals of SSH itself (RFC 4254, 6.9) do not reach what outlives the shell. Works in every shell.
 */
function lineWithGroup(line: string, folder: string | undefined): string {
  const group = `/bin/sh -c 'echo ${marker}$PPID >&2'`
  return folder === undefined || folder === ''
    ? `${group} ; ${line}`
    : `${group} ; cd ${shellWord(folder)} || exit 1 ; ${line}`
}

/** Starts a line; rejects when the host does not run it. */
export async function startSshCommand(
  ssh: NodeSSH,
  command: { line: string; folder?: string | undefined; stdin: string | Buffer; graceMs: number },
  output: { stdout: OutputBuffer; stderr: OutputBuffer },
): Promise<SshCommand> {
  const channel = await execute(ssh, lineWithGroup(command.line, command.folder))
  const stderr = withoutMarker(output.stderr)
  channel.on('data', (chunk: Buffer) => output.stdout.append(chunk))
  channel.stderr.on('data', (chunk: Buffer) => stderr.add(chunk))
  // A command may end without reading its input.
  channel.on('error', () => {})
  // To ask for more of it on a connection that is gone is an error too, which would end the app.
  channel.stderr.on('error', () => {})
  channel.end(command.stdin)
  const over = new Promise<number | undefined>(resolve => {
    let code: number | undefined
    let leave: NodeJS.Timeout | undefined
    channel.on('exit', (exit: number | null, signal?: string) => {
      code = exit ?? 128 + (signalNumber(signal) ?? 0)
      leave = setTimeout(() => {
        closeQuietly(channel)
        resolve(code)
      }, outputGraceMs)
    })
    channel.on('close', () => {
      clearTimeout(leave)
      stderr.end()
      resolve(code)
    })
  })
  return {
    ended: over,
    stop: async () => {
      const group = await Promise.race([stderr.group, delay(outputGraceMs, undefined, { ref: false })])
      if (group !== undefined && group > 1) await stopGroup(ssh, group, command.graceMs).catch(() => {})
      closeQuietly(channel)
    },
    detach: () => closeQuietly(channel),
  }
}

/** Takes the marker out of the beginning of an output. */
function withoutMarker(output: OutputBuffer): {
  add(chunk: Buffer): void
  end(): void
  group: Promise<number | undefined>
} {
  let head: Buffer | undefined = Buffer.alloc(0)
  const { promise: foundGroup, resolve } = Promise.withResolvers<number | undefined>()

  function pass(rest: Buffer, group: number | undefined): void {
    head = undefined
    resolve(group)
    if (rest.length > 0) output.append(rest)
  }
  return {
    group: foundGroup,
    add(chunk) {
      if (head === undefined) {
        output.append(chunk)
        return
      }
      head = Buffer.concat([head, chunk])
      const match = markerLine.exec(head.toString('latin1'))
      if (match) {
        const after = head.subarray(match.index + match[0].length)
        pass(Buffer.concat([head.subarray(0, match.index), after]), Number(match[1]))
      } else if (head.length >= markerSearchBytes) pass(head, undefined)
    },
    end() {
      if (head !== undefined) pass(head, undefined)
    },
  }
}

/** A channel whose connection is gone cannot be closed, and need not be. */
function closeQuietly(channel: ClientChannel): void {
  try {
    channel.close()
  } catch {
    // Its connection is gone.
  }
}

function execute(ssh: NodeSSH, line: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const { connection } = ssh
    if (!connection) return reject(new Error('No response from server'))
    connection.exec(line, (error, channel) => (error ? reject(error) : resolve(channel)))
  })
}

/** TERM to the group, KILL to what is left of it after a while, by a second command. */
async function stopGroup(ssh: NodeSSH, group: number, graceMs: number): Promise<void> {
  const send = (signal: string): string => `kill -s ${signal} -- -${group}`
  const rounds = Math.ceil(graceMs / 100)
  const script = `${send('TERM')}; n=0; while [ $n -lt ${rounds} ] && ${send('0')}; do sleep 0.1; n=$((n+1)); done; ${send('KILL')}`
  const channel = await execute(ssh, `/bin/sh -c '${script}' 2>/dev/null`)
  await new Promise<void>(resolve => {
    const limit = setTimeout(resolve, graceMs + 5000)
    channel.on('close', () => {
      clearTimeout(limit)
      resolve()
    })
    channel.on('error', () => {})
    channel.stderr.on('error', () => {})
    channel.resume()
    channel.stderr.resume()
    channel.end()
  })
}

function signalNumber(name: string | undefined): number | undefined {
  const entry = Object.entries(constants.signals).find(([signal]) => signal === name)
  return entry?.[1]
}
