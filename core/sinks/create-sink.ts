import { ok, type Result } from '../../contract/result.ts'
import type { Host } from '../../ssh/host.ts'
import { authfileSink } from './authfile-sink.ts'
import { commandSink } from './command-sink.ts'
import { fileSink } from './file-sink.ts'
import { type Forgejo, forgejoSink } from './forgejo-sink.ts'
import { opSink } from './op-sink.ts'
import { type ParsedSink, parseSink } from './parse-sink.ts'
import type { Sink } from './sink.ts'

/** What sinks work with. */
export interface SinkDeps {
  /** This computer. */
  localHost: Host
  /** This computer, with the variables that 1Password's `op` knows its account by. */
  opHost: Host
  /** Another one over SSH: "host", "user@host:port". */
  remoteHost(target: string): Host
  forgejo: Forgejo
  /** In ms, for tests. */
  limits?: { command?: number; op?: number; forgejo?: number }
}

/** The variables of the environment that `op` needs: accounts, sessions, service accounts, and the way to its app. */
export const isOpVariable = (name: string): boolean =>
  /^OP_[A-Z0-9_]+$/i.test(name) || name === 'XDG_CONFIG_HOME' || name === 'DBUS_SESSION_BUS_ADDRESS'

/** A spec of the command line as a sink. Fails with `bad-sink`. */
export function parseAndCreateSink(spec: string, deps: SinkDeps): Result<Sink> {
  const parsed = parseSink(spec)
  return parsed.ok ? ok(createSink(parsed.value, deps)) : parsed
}

function createSink(
  sink: ParsedSink,
  { localHost, opHost, remoteHost, forgejo, limits = {} }: SinkDeps,
): Sink {
  const { id } = sink
  switch (sink.kind) {
    case 'file':
      return fileSink(id, sink.path)
    case 'authfile':
      return authfileSink(id, sink.path)
    case 'command':
      return commandSink(id, 'command', { line: sink.line, host: localHost, limitMs: limits.command })
    case 'ssh':
      return commandSink(id, 'ssh', { line: sink.line, host: remoteHost(sink.host), limitMs: limits.command })
    case 'op': {
      const { vault, item, field } = sink
      return opSink(id, { vault, item, field, host: opHost, limitMs: limits.op })
    }
    case 'forgejo': {
      const { scope, name } = sink
      return forgejoSink(id, { scope, name, forgejo, limitMs: limits.forgejo })
    }
  }
}
