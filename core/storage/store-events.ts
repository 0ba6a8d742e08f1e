import { unreachable } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { createRegistryEvents, type RegistryEvent } from '../platform/registry-events.ts'
import type { Storage } from './storage.ts'

export interface StoreEventsOptions {
  /** The registry's administration socket. */
  adminSocket: string
  clock: Clock
  storage: Pick<Storage, 'readLogLine' | 'recordWrite' | 'refreshSpace' | 'recount' | 'setFrequentRecounts'>
}

/** Reports the engine's writes to the storage, from its events where it has them, else from its log. */
export interface StoreEvents {
  /** The process that serves, undefined while none does, and whether its engine can emit events. */
  setServing(pid: number | undefined, canEmitEvents: boolean): void
  /** One line of the engine's log. */
  readLogLine(text: string): void
  close(): void
}

export function createStoreEvents({ adminSocket, clock, storage }: StoreEventsOptions): StoreEvents {
  let servingPid: number | undefined
  /** Whether the process that serves has connected to report its writes itself, so that its log would repeat them. */
  let hasConnected = false
  const events = createRegistryEvents({
    socketPath: adminSocket,
    clock,
    onEvent: event => applyEvent(storage, event),
    onGap: () => void storage.recount(),
    onConnected(connected) {
      hasConnected ||= connected
      storage.setFrequentRecounts(servingPid !== undefined && !connected)
    },
  })
  return {
    setServing(pid, canEmitEvents) {
      if (!canEmitEvents || pid === undefined) events.follow(false)
      if (pid === servingPid) return
      servingPid = pid
      hasConnected = false
      // Its log may report no writes at all.
      storage.setFrequentRecounts(pid !== undefined)
      if (pid === undefined) return
      // Until now the folder may have been changed by hand, or by an engine without events.
      void storage.recount('it serves this folder')
      if (canEmitEvents) events.follow(true)
    },
    readLogLine(text) {
      if (!hasConnected) storage.readLogLine(text)
    },
    close: events.close,
  }
}

function applyEvent(storage: StoreEventsOptions['storage'], event: RegistryEvent): void {
  switch (event.kind) {
    case 'push': {
      const { repository, tags, at, user } = event
      storage.recordWrite({ kind: 'push', repository, tags, at, ...(user === undefined ? {} : { by: user }) })
      break
    }
    case 'delete':
    case 'blob':
    case 'collected':
    case 'uploading':
      storage.recordWrite({ kind: event.kind, repository: event.repository, tags: [], at: event.at })
      break
    // Reading the repository again shows the same damage, or that it is repaired.
    case 'damaged':
      storage.recordWrite({ kind: 'collected', repository: event.repository, tags: [], at: event.at })
      break
    case 'no-space':
      storage.refreshSpace()
      break
    // Nothing of these is shown yet.
    case 'pulls':
    case 'maintenance':
      break
    default:
      unreachable(event)
  }
}
