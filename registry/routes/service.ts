import type { Config } from '../config/config.ts'
import type { RequestContext } from '../http/request-context.ts'
import { sendBytes, sendEmpty, sendFailure, sendJson } from '../http/responder.ts'
import { metricsDenialDetail } from '../oci/denial.ts'
import { distributionSpec, version } from '../version.ts'
import type { Authorization } from './authorize.ts'
import { baseHeaders, challenge } from './challenges.ts'
import type { MetricsPage, RouteDeps } from './deps.ts'

const ok = Buffer.from('ok')
const live = (context: RequestContext): undefined => sendBytes(context, 200, 'text/plain; charset=utf-8', ok)

/** Whether the process lives, whether it should get work, and whether it speaks this API. */
export function healthRoutes({ storage, state, authorization }: RouteDeps) {
  const ready = async (context: RequestContext): Promise<void> => {
    if (state.draining) return sendFailure(context, { name: 'draining' })
    const reachable = await storage.reachable()
    if (!reachable.ok) return sendFailure(context, { ...reachable.error, name: 'not-ready' })
    live(context)
  }
  const base = (context: RequestContext): undefined =>
    sendEmpty(context, 200, baseHeaders(context, authorization))
  return {
    live: { GET: live, HEAD: live },
    ready: { GET: ready, HEAD: ready },
    base: { GET: base, HEAD: base },
  }
}

/**
 * The figures for Prometheus. Somebody known who may not read them gets 403, an admin too: another password helps
 * nobody.
 */
export function metricsRoute(metrics: MetricsPage | undefined, authorization: Authorization) {
  const get = async (context: RequestContext): Promise<void> => {
    if (!metrics) return sendFailure(context, { name: 'route-unknown' })
    const { access } = authorization.rules
    if (!access.mayScrape(context.identity)) {
      const headers = challenge(context, authorization, 'denied')
      if (!context.identity) return sendFailure(context, { name: 'unauthorized' }, headers)
      const { user, grant } = context.identity
      const isOnlyNarrowed = access.mayScrape({ ...(grant?.holder ?? context.identity), scopes: [] })
      const detail = metricsDenialDetail(user, isOnlyNarrowed)
      return sendFailure(context, { name: 'denied', detail }, headers)
    }
    sendBytes(context, 200, metrics.contentType, Buffer.from(await metrics.text()))
  }
  return { GET: get, HEAD: get }
}

export const discoverPath = '/v2/_oci/ext/discover'
export const mgmtPath = '/v2/_zot/ext/mgmt'

const safe = ['X-Content-Type-Options', 'nosniff'] as const

/** Whether the description of this registry is open; in zot it comes with search. */
export const hasMgmt = (config: Config): boolean => config.extensions?.search?.enable === true

/**
 * What goes beyond the specification.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/extensions/_oci.md
 */
export function discoverRoute(config: () => Config) {
  const get = (context: RequestContext): undefined => {
    const zot = {
      name: '_zot',
      url: 'https://github.com/project-zot/zot/blob/main/pkg/extensions/_zot.md',
      description: 'zot registry extensions',
      endpoints: [mgmtPath],
    }
    return sendJson(context, 200, { extensions: hasMgmt(config()) ? [zot] : [] }, safe)
  }
  return { GET: get, HEAD: get }
}

/** What runs here, and the ways to sign in: what a client needs before it has signed in. */
export function mgmtRoute(config: () => Config) {
  const get = (context: RequestContext): undefined => {
    const { auth } = config().http
    const description = {
      distSpecVersion: distributionSpec,
      commit: `v${version}`,
      releaseTag: `v${version}`,
      binaryType: 'zotbar-registry',
      http: auth === undefined ? {} : { auth: waysToSignIn(auth) },
    }
    return sendJson(context, 200, description, safe)
  }
  return { GET: get, HEAD: get }
}

type Auth = Exclude<Config['http']['auth'], undefined>

function waysToSignIn({ htpasswd, openid, apikey }: Auth): object {
  const providers = Object.entries(openid?.providers ?? {})
    .filter(([, provider]) => provider !== undefined)
    .map(([id, provider]) => [id, provider?.name === undefined ? {} : { name: provider.name }])
  return {
    ...(htpasswd === undefined ? {} : { htpasswd: {} }),
    ...(providers.length === 0 ? {} : { openid: { providers: Object.fromEntries(providers) } }),
    ...(apikey ? { apikey: true } : {}),
  }
}
