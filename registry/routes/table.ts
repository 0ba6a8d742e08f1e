import type { Handlers } from '../http/exchange.ts'
import { signInRoutes } from '../signin/sign-in-routes.ts'
import { blobRoutes } from './blobs.ts'
import type { RouteContext } from './context.ts'
import { guarded } from './gate.ts'
import { keyRoutes } from './keys.ts'
import { listRoutes, referrerRoutes } from './lists.ts'
import { manifestRoutes } from './manifests.ts'
import { limitRepositories } from './repository-limit.ts'
import { discoverRoute, healthRoutes, metricsRoute, mgmtRoute } from './service.ts'
import { uploadRoutes } from './uploads.ts'

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
