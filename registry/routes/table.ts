import type { DrainState } from '../http/drain.ts'
import type { Handlers } from '../http/exchange.ts'
import type { Pushes } from '../http/pushes.ts'
import type { Storage } from '../storage/storage.ts'
import { blobRoutes } from './blobs.ts'
import { healthRoutes } from './health.ts'
import { listRoutes } from './lists.ts'
import { manifestRoutes } from './manifests.ts'
import { referrerRoutes } from './referrers.ts'
import { uploadRoutes } from './uploads.ts'

export interface RouteContext {
  readonly storage: Storage
  readonly pushes: Pushes
  readonly state: DrainState
}

/** Every route and its methods. */
export function createRoutes(context: RouteContext): Handlers {
  return {
    ...healthRoutes(context),
    ...listRoutes(context),
    ...manifestRoutes(context),
    ...blobRoutes(context),
    ...uploadRoutes(context),
    ...referrerRoutes(context),
  }
}
