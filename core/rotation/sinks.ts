import { homedir } from 'node:os'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Host } from '../../ssh/host.ts'
import { localHost } from '../../ssh/local-host.ts'
import { sshHost } from '../../ssh/ssh-host.ts'
import type { KeyStore } from '../secrets/key-store.ts'
import type { Settings } from '../settings/settings.ts'
import { isOpVariable, parseAndCreateSink, type SinkDeps } from '../sinks/create-sink.ts'
import { forgejoTokenAccount } from '../sinks/forgejo-sink.ts'
import type { Sink } from '../sinks/sink.ts'

interface Options {
  /** The app's own folder. */
  home: string
  clock: Clock
  settings: Settings
  store: KeyStore
}

/** The sinks of this app, by their specs. */
export interface Sinks {
  of(spec: string): Result<Sink>
  close(): void
}

/** An unused connection is closed after this. */
const idleMs = 30_000

export function createSinks({ home, clock, settings, store }: Options): Sinks {
  const user = homedir()
  const hosts = new Map<string, Host>()

  function remoteHost(target: string): Host {
    const known = hosts.get(target)
    if (known) return known
    const host = closedWhenIdle(sshHost(target, { home: user, zotbarHome: home, clock }), clock)
    hosts.set(target, host)
    return host
  }

  const deps: SinkDeps = {
    localHost: localHost({ home: user, clock }),
    opHost: localHost({ home: user, clock, allowsVariable: isOpVariable }),
    remoteHost,
    forgejo: {
      url: () => settings.get('forgejo.url'),
      token: () => store.secret(forgejoTokenAccount).get(),
    },
  }
  return {
    of: spec => parseAndCreateSink(spec, deps),
    close() {
      for (const host of hosts.values()) void host.close()
      hosts.clear()
    },
  }
}

function closedWhenIdle(host: Host, clock: Clock): Host {
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
