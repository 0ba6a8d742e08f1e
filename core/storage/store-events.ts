import { unreachable } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { createRegistryEvents, type RegistryEvent } from '../platform/registry-events.ts'
import type { Storage } from './storage.ts'

export interface StoreEventsOptions {
  /** The registry's administration socket. */
  adminSocket: string
  clock: Clock
  storage: Pick<Storage, 'line' | 'wrote' | 'spaceWasShort' | 'recount' | 'looksOften'>
}

/** What the engine does to the store, from the best source that there is: its own events, else its log. */
export interface StoreEvents {
  /** The process that serves, undefined while none does, and whether it is one that may tell its events. */
  served(pid: number | undefined, tellsEvents: boolean): void
  /** One line of the engine's log. */
  line(text: string): void
  close(): void
}

export function createStoreEvents({ adminSocket, clock, storage }: StoreEventsOptions): StoreEvents {
  let serving: number | undefined
  /** Whether the process that serves tells what its log would tell once more. */
  let told = false
  const events = createRegistryEvents({
    socketPath: adminSocket,
    clock,
    onEvent: event => take(storage, event),
    onGap: () => void storage.recount(),
    onConnected(connected) {
      told ||= connected
      storage.looksOften(serving !== undefined && !connected)
    },
  })
  return {
    served(pid, tellsEvents) {
      if (!tellsEvents || pid === undefined) events.follow(false)
      if (pid === serving) return
      serving = pid
      told = false
      // Its log may tell nothing at all.
      storage.looksOften(pid !== undefined)
      if (pid === undefined) return
      // While nobody looked the folder may have been changed by hand, or by an engine that told nothing.
      void storage.recount('it serves this folder')
      if (tellsEvents) events.follow(true)
    },
    line(text) {
      if (!told) storage.line(text)
    },
    close: events.close,
  }
}

function take(storage: StoreEventsOptions['storage'], event: RegistryEvent): void {
  switch (event.kind) {
    case 'push': {
      const { repository, tags, at, user } = event
      storage.wrote({ kind: 'push', repository, tags, at, ...(user === undefined ? {} : { by: user }) })
      break
    }
    case 'delete':
    case 'blob':
    case 'collected':
    case 'uploading':
      storage.wrote({ kind: event.kind, repository: event.repository, tags: [], at: event.at })
      break
    // Read again by its folder: the app finds the same damage, or that it is mended.
    case 'damaged':
      storage.wrote({ kind: 'collected', repository: event.repository, tags: [], at: event.at })
      break
    case 'no-space':
      storage.spaceWasShort()
      break
    // Nothing of these is shown yet.
    case 'pulls':
    case 'maintenance':
      break
    default:
      unreachable(event)
  }
}
