import type { Caller } from '../../contract/caller.ts'
import { clientOver } from '../../contract/contract.ts'
import type { CoreLink } from '../../contract/core-link.ts'
import { dispatch } from '../../contract/dispatch.ts'
import { createEmitter } from '../../lib/emitter.ts'
import type { AppCore } from '../../main/app-core.ts'
import { type FakeHost, fakeHost } from './host.ts'

export interface FakeCore extends AppCore {
  host: FakeHost
  /** How often a core was to be started, and whether somebody looks. */
  seen: { starts: number; looking: boolean }
  setLink(link: CoreLink): void
}

/** A core whose commands answer at once, and refuse whom the contract's table refuses. */
export function fakeCore(host: FakeHost = fakeHost()): FakeCore {
  const events = createEmitter<{ link: CoreLink }>()
  const seen = { starts: 0, looking: false }
  let link: CoreLink = { kind: 'live' }
  const call = (name: string, input: unknown, caller: Caller) => dispatch(host.handlers, name, input, caller)
  return {
    host,
    seen,
    setLink(next) {
      link = next
      events.emit('link', next)
    },
    link: () => link,
    onLink: listener => events.on('link', listener),
    start: () => {
      seen.starts += 1
    },
    leave() {},
    call,
    as: caller => clientOver((name, input) => call(name, input, caller)),
    on: host.on,
    setLooking: looking => {
      seen.looking = looking
    },
    snapshot: host.snapshot,
  }
}
