import type { CommandResult, Host } from '../../ssh/host.ts'
import type { Sink, SinkResult, SinkSecret } from './sink.ts'
import { cancelled, done, errorOf, maskedTail, refused } from './sink-result.ts'

/** Provisioning may take its time. */
const commandLimitMs = 15 * 60_000
const reachMs = 60_000

interface Options {
  line: string
  /** Whoever gives it ends its connection. */
  host: Host
  limitMs?: number | undefined
}

/**
 * A command line, here or on another host: the key comes on its standard input, without a newline after it. Exit code 0
 * means that it took the key; what it did with it cannot be seen.
 */
export function commandSink(id: string, kind: 'command' | 'ssh', options: Options): Sink {
  const { line, host, limitMs = commandLimitMs } = options

  const run = (command: { line: string; limitMs: number }, signal: AbortSignal, secret?: SinkSecret) =>
    host.run({ ...command, signal, ...(secret && { stdin: secret.key }) })

  return {
    id,
    kind,
    describe: () => ({
      title: kind === 'command' ? 'Command' : `Command on ${host.name}`,
      place: line,
      provable: false,
    }),
    async reach(signal) {
      if (signal.aborted) return cancelled
      if (kind === 'command') return done
      return resultOf(await run({ line: 'true', limitMs: reachMs }, signal), host.name, undefined)
    },
    async deliver(secret, signal) {
      if (signal.aborted) return cancelled
      // The shell that would run it here, or the login shell of the account there.
      const whole = lineAfterWholeInput(line, kind === 'command' ? '/bin/sh' : '"$SHELL"')
      return resultOf(await run({ line: whole, limitMs }, signal, secret), host.name, secret)
    },
    prove: async () => ({ holds: 'cannot-tell', words: 'a command takes the key and shows nothing of it' }),
  }
}

function resultOf(ran: CommandResult, name: string, secret: SinkSecret | undefined): SinkResult {
  switch (ran.kind) {
    case 'ended':
      if (ran.code === 0) return done
      return refused(
        'sink-refused',
        `The command ended with exit code ${ran.code} on ${name}.`,
        maskedTail(`${ran.stdout}\n${ran.stderr}`, secret),
      )
    case 'too-slow':
      return refused(
        'sink-too-slow',
        `The command took too long on ${name}, and was ended.`,
        maskedTail(`${ran.stdout}\n${ran.stderr}`, secret),
      )
    case 'cancelled':
      return cancelled
    case 'lost':
    case 'not-started':
      return { ok: false, error: errorOf(ran.error) }
  }
}

/** A word of a shell, whatever is in it. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * A line for a shell that runs `line`, by `shell`, once the key is there. Were the app killed before it gave the key,
 * the command would read an empty input, and most would keep that in the place of a key that works. The key waits in a
 * positional parameter: no profile and no `set -a` can make the shell export one, as it would a variable.
 */
export function lineAfterWholeInput(line: string, shell: string): string {
  const script = `set +x; set -- "$(cat)"; [ -n "$1" ] || exit 75; printf %s "$1" | ${shell} -c ${shellQuoted(line)}`
  return `exec /bin/sh -c ${shellQuoted(script)}`
}
