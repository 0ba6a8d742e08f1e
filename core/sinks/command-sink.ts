import type { CommandResult, Host } from '../../ssh/host.ts'
import { cancelled, done, errorOf, refused, tailOf } from './outcome.ts'
import type { Sink, SinkResult, SinkSecret } from './sink.ts'
import { onceWhole } from './whole-input.ts'

/** Provisioning may take its time. */
const patienceMs = 15 * 60_000
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
  const { line, host, limitMs = patienceMs } = options

  const run = (what: { line: string; limitMs: number }, signal: AbortSignal, secret?: SinkSecret) =>
    host.run({ ...what, signal, ...(secret && { stdin: secret.key }) })

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
      const whole = onceWhole(line, kind === 'command' ? '/bin/sh' : '"$SHELL"')
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
        tailOf(`${ran.stdout}\n${ran.stderr}`, secret),
      )
    case 'too-slow':
      return refused(
        'sink-too-slow',
        `The command took too long on ${name}, and was ended.`,
        tailOf(`${ran.stdout}\n${ran.stderr}`, secret),
      )
    case 'cancelled':
      return cancelled
    case 'lost':
    case 'not-started':
      return { ok: false, error: errorOf(ran.error) }
  }
}
