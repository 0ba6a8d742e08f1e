import { clientOver, type ZotbarClient } from '../contract/contract.ts'
import { openToAll } from '../contract/hello.ts'
import type { Result } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { type ControlAddress, controlCall, greet } from './control-call.ts'
import { type ControlEvents, controlEvents, isLines, isSnapshot } from './control-events.ts'
import { clientHello } from './hello.ts'

interface EventListeners {
  snapshot?: (snapshot: Snapshot) => void
  /** Asks for the registry's output too. */
  log?: (lines: string[]) => void
  /** This many lines were left out before the next ones, because they were read too slowly. */
  dropped?: (lines: number) => void
}

export interface ControlClient {
  zotbar: ZotbarClient
  /** Resolves once the core has taken the subscription. */
  events(listeners: EventListeners): Promise<Result<ControlEvents>>
}

/**
 * The command line's side of the control socket. `limitMs` bounds how long the core may be silent (the whole call may
 * take longer); `streamLimitMs` the same for events, where a heartbeat comes every 15 s.
 */
export function controlClient(options: {
  socketPath: string
  home: string
  limitMs?: number
  streamLimitMs?: number
}): ControlClient {
  const { socketPath, home, limitMs = 6_000, streamLimitMs = 40_000 } = options
  const address: ControlAddress = { socketPath, home, limitMs, hello: clientHello('cli') }
  let greeted: Promise<Result<unknown>> | undefined

  async function call(name: string, input: unknown): Promise<Result<unknown>> {
    if (!openToAll.has(name)) {
      greeted ??= greet(address)
      const answered = await greeted
      if (!answered.ok) {
        // Another one may be there the next time.
        greeted = undefined
        return answered
      }
    }
    return controlCall(address, name, input)
  }

  return {
    zotbar: clientOver(call),
    events: listeners =>
      controlEvents(
        { ...address, limitMs: streamLimitMs },
        listeners.log === undefined ? {} : { with: 'log' },
        (event, value) => deliver(listeners, event, value),
      ),
  }
}

function deliver(listeners: EventListeners, event: string, value: Record<string, unknown>): void {
  const { lines } = value
  if (event === 'snapshot' && isSnapshot(value)) listeners.snapshot?.(value)
  else if (event === 'log' && isLines(lines)) listeners.log?.(lines)
  else if (event === 'dropped' && typeof lines === 'number') listeners.dropped?.(lines)
}
