import type { RequestContext } from './request-context.ts'
import { sendEmpty } from './responder.ts'

export interface CorsOptions {
  /** http.allowOrigin; a list with commas, or `*`. */
  readonly allowOrigin: string | undefined
  /** Whether requests may carry passwords or cookies. */
  readonly authenticates: boolean
}

export interface Cors {
  /** Whether pages of this origin may read and change things; if so, the answer will say it. */
  admit(context: RequestContext, origin: string): boolean
  /** Answers what a browser asks before it sends a request of an admitted page. */
  answerPreflight(context: RequestContext, methods: readonly string[]): undefined
}

/**
 * zot's three, the last of which is how its pages say who they are, and what pages of registries send beside them: a
 * list of manifest types is longer than browsers allow in Accept unasked.
 */
const allowedHeaders =
  'Authorization,content-type,X-ZOT-API-CLIENT,Accept,Cache-Control,Content-Range,If-None-Match,If-Range,Range'
/** What this registry says in headers that browsers show to pages only where they are exposed. */
const exposedHeaders = [
  'Accept-Ranges',
  'Allow',
  'Content-Range',
  'Docker-Content-Digest',
  'Docker-Distribution-API-Version',
  'Docker-Upload-UUID',
  'ETag',
  'Link',
  'Location',
  'OCI-Filters-Applied',
  'OCI-Subject',
  'OCI-Tag',
  'Range',
  'Retry-After',
  'WWW-Authenticate',
].join(',')
/** Browsers ask again after this at the latest, s; a longer time is cut by all of them. */
const preflightSeconds = '7200'

/**
 * Lets web pages of the configured origin read the answers. Without one no page may: a registry on this
 * machine would otherwise be readable by every page that its owner looks at.
 * https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function createCors({ allowOrigin, authenticates }: CorsOptions): Cors {
  const allowed = new Set((allowOrigin ?? '').split(',').map(one => one.trim()))
  allowed.delete('')
  const any = allowed.has('*')
  return {
    admit({ method, res }, origin) {
      if (!any && !allowed.has(origin)) return false
      res.setHeader('Access-Control-Allow-Origin', any ? '*' : origin)
      if (!any) res.setHeader('Vary', 'Origin')
      // Never together with `*`: browsers refuse that, and so should we.
      if (authenticates && !any) res.setHeader('Access-Control-Allow-Credentials', 'true')
      if (method !== 'OPTIONS') res.setHeader('Access-Control-Expose-Headers', exposedHeaders)
      return true
    },
    answerPreflight(context, methods) {
      const { res } = context
      res.setHeader('Access-Control-Allow-Methods', [...methods, 'OPTIONS'].join(','))
      res.setHeader('Access-Control-Allow-Headers', allowedHeaders)
      res.setHeader('Access-Control-Max-Age', preflightSeconds)
      return sendEmpty(context, 204)
    },
  }
}
