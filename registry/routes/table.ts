import type { Config } from '../config/config.ts'
import type { DrainState } from '../http/drain.ts'
import type { Handlers } from '../http/exchange.ts'
import type { Pushes } from '../http/pushes.ts'
import type { Pulls } from '../metadata/pulls.ts'
import { type SignInContext, signInRoutes } from '../signin/sign-in-routes.ts'
import type { Storage } from '../storage/storage.ts'
import { blobRoutes } from './blobs.ts'
import { discoverRoute, mgmtRoute } from './extensions.ts'
import { type Gate, guarded } from './gate.ts'
import { healthRoutes } from './health.ts'
import { type KeyRouteContext, keyRoutes } from './keys.ts'
import { listRoutes } from './lists.ts'
import { manifestRoutes } from './manifests.ts'
import { type MetricsPage, metricsRoute } from './metrics.ts'
import { referrerRoutes } from './referrers.ts'
import { limitRepositories } from './repository-limit.ts'
import { uploadRoutes } from './uploads.ts'

export interface RouteContext extends KeyRouteContext {
  readonly gate: Gate
  readonly signIn: SignInContext
  /** Undefined: nothing is counted. */
  readonly pulls: Pulls | undefined
  readonly storage: Storage
  readonly pushes: Pushes
  /** storage.maxRepos; 0: no limit. */
  readonly maxRepositories: number
  readonly state: DrainState
  /** As it is now. */
  readonly config: () => Config
  /** Undefined: there are none. */
  readonly metrics: MetricsPage | undefined
}

/** Every route and its methods, behind the gate. */
export function createRoutes(context: RouteContext): Handlers {
  const handlers = {
    ...healthRoutes(context),
    ...listRoutes(context),
    ...manifestRoutes(context),
    ...blobRoutes(context),
    ...uploadRoutes(context),
    ...referrerRoutes(context),
    ...keyRoutes(context),
    discover: discoverRoute(context.config),
    mgmt: mgmtRoute(context.config),
    metrics: metricsRoute(context.metrics, context.gate),
    ...signInRoutes(context.signIn),
  }
  return guarded(limitRepositories(handlers, context.storage, context.maxRepositories), context.gate)
}
