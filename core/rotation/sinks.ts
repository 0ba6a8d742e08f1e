import { homedir } from 'node:os'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import type { Host } from '../../ssh/host.ts'
import { localHost } from '../../ssh/local-host.ts'
import { sshHost } from '../../ssh/ssh-host.ts'
import type { KeyStore } from '../secrets/key-store.ts'
import type { Settings } from '../settings/settings.ts'
import { isOfOp, type SinkParts, sinkOf } from '../sinks/create-sink.ts'
import { forgejoTokenAccount } from '../sinks/forgejo-sink.ts'
import type { Sink } from '../sinks/sink.ts'

interface Options {
  /** The app's own folder. */
  home: string
  clock: Clock
  settings: Settings
  store: KeyStore
}

/** The places that keys are handed to, by their specs. */
export interface Sinks {
  of(spec: string): Result<Sink>
  close(): void
}

/** A connection that nobody used for so long is ended, ms. */
const idleMs = 30_000

export function createSinks({ home, clock, settings, store }: Options): Sinks {
  const user = homedir()
  const hosts = new Map<string, Host>()

  function there(target: string): Host {
    const known = hosts.get(target)
    if (known) return known
    const host = endingWhenIdle(sshHost(target, { home: user, zotbarHome: home, clock }), clock)
    hosts.set(target, host)
    return host
  }

  const parts: SinkParts = {
    here: localHost({ home: user, clock }),
    withOp: localHost({ home: user, clock, allowsVariable: isOfOp }),
    there,
    forgejo: {
      url: () => settings.get('forgejo.url'),
      token: () => store.note(forgejoTokenAccount).get(),
    },
  }
  return {
    of: spec => sinkOf(spec, parts),
    close() {
      for (const host of hosts.values()) void host.close()
      hosts.clear()
    },
  }
}

function endingWhenIdle(host: Host, clock: Clock): Host {
  let stop = (): void => {}
  let running = 0
  return {
    ...host,
    async run(command) {
      stop()
      running += 1
      try {
        return await host.run(command)
      } finally {
        running -= 1
        if (running === 0)
          stop = clock.setTimer(clock.now() + idleMs, () => void host.close(), { unref: true })
      }
    },
    async close() {
      stop()
      await host.close()
    },
  }
}

/** The newest requests of a user in lines of the registry's log, newest first: what, from where, when. */
export function usesIn(lines: readonly string[], user: string, most = 10): string[] {
  const uses: string[] = []
  for (const line of [...lines].reverse()) {
    if (uses.length >= most) break
    const read = parse(line)
    if (!read || read['username'] !== user || read['message'] !== 'HTTP API') continue
    const [time, method, path, from] = ['time', 'method', 'path', 'clientIP'].map(name =>
      String(read[name] ?? ''),
    )
    if (path?.startsWith('/zot/auth/')) continue
    uses.push(
      `${(time ?? '').slice(0, 19).replace('T', ' ')} UTC: ${method} ${path?.slice(0, 200)} from ${from}`,
    )
  }
  return uses
}

function parse(line: string): Record<string, unknown> | undefined {
  const entry = parseJson(line)
  return isObject(entry) ? entry : undefined
}
