import type { Handlers } from '../http/request-context.ts'
import { signInRoutes } from '../signin/sign-in-routes.ts'
import { authorizeAll } from './authorize.ts'
import { blobRoutes } from './blobs.ts'
import type { RouteDeps } from './deps.ts'
import { keyRoutes } from './keys.ts'
import { listRoutes, referrerRoutes } from './lists.ts'
import { manifestRoutes } from './manifests.ts'
import { limitRepositories } from './repository-limit.ts'
import { discoverRoute, healthRoutes, metricsRoute, mgmtRoute } from './service.ts'
import { tokenRoute } from './token.ts'
import { uploadRoutes } from './uploads.ts'

/** Every route and its methods, behind the authorization. */
export function createRoutes(deps: RouteDeps): Handlers {
  const handlers = {
    ...healthRoutes(deps),
    ...listRoutes(deps),
    ...manifestRoutes(deps),
    ...blobRoutes(deps),
    ...uploadRoutes(deps),
    ...referrerRoutes(deps),
    ...keyRoutes(deps),
    ...tokenRoute(deps),
    discover: discoverRoute(deps.config),
    mgmt: mgmtRoute(deps.config),
    metrics: metricsRoute(deps.metrics, deps.authorization),
    ...signInRoutes(deps.signIn),
  }
  return authorizeAll(limitRepositories(handlers, deps.storage, deps.maxRepositories), deps.authorization)
}
