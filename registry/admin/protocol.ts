import { version } from '../version.ts'

/**
 * The number of the administration's protocol: docs/admin-socket.md. It grows by one when something is taken away or
 * comes to mean something else; what is only added gets a name in `features`. Registries from before there was a
 * number answer 404 to `GET /`, which is number 0.
 */
const protocol = 1

/** What can be asked beyond `GET /`. */
export type Feature = 'keys' | 'activity' | 'events' | 'repositories' | 'damaged'

/** The answer to `GET /`. */
export interface Hello {
  readonly protocol: number
  readonly engine: 'zotbar-registry'
  readonly version: string
  readonly pid: number
  /** ms since the epoch. */
  readonly startedAt: number
  readonly features: readonly Feature[]
}

export const helloOf = (startedAt: number, features: readonly Feature[]): Hello => ({
  protocol,
  engine: 'zotbar-registry',
  version,
  pid: process.pid,
  startedAt,
  features,
})
