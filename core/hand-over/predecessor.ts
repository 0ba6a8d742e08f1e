import { Socket } from 'node:net'
import type { Failure } from '../../contract/failure.ts'
import { contractNumber } from '../../contract/hello.ts'
import { thisBuild } from '../../lib/build.ts'
import { homeFormat } from '../../lib/home-format.ts'
import { type LineChannel, lineChannel } from './line-channel.ts'
import { type HandedOver, readGo } from './protocol.ts'

/** The core before this one, seen from its successor; under a terminal or a service later the waiter. */
export interface Predecessor {
  state: HandedOver
  channel: LineChannel
  serving(): void
  failed(error: Failure): void
}

/** The descriptor that `startChild` opens. */
const descriptor = 3

/**
 * Says that everything is loaded, and waits for the home. Undefined where the core before goes on or is gone: then this
 * process has touched nothing and is to end.
 */
export async function meetPredecessor(): Promise<Predecessor | undefined> {
  const channel = lineChannel(new Socket({ fd: descriptor, readable: true, writable: true }))
  channel.send({ say: 'loaded', ...thisBuild(), contract: contractNumber, home: homeFormat })
  const go = readGo(await channel.next())
  if (go === undefined) return undefined
  return {
    state: go.state,
    channel,
    serving: () => channel.send({ say: 'serving' }),
    failed: error => channel.send({ say: 'failed', error }),
  }
}
