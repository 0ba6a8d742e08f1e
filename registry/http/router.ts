import { tokenPath } from '../token/challenge.ts'

type RouteKind =
  | 'base'
  | 'catalog'
  | 'tags'
  | 'manifest'
  | 'blob'
  | 'uploads'
  | 'upload'
  | 'referrers'
  | 'apikey'
  | 'token'
  | 'discover'
  | 'mgmt'
  | 'metrics'
  | 'home'
  | 'login-page'
  | 'key-page'
  | 'page-file'
  | 'login'
  | 'callback'
  | 'logout'
  | 'live'
  | 'ready'
  | 'malformed'
  | 'none'

/** Where a request goes. `name` and `last` are as the client wrote them, decoded and unchecked. */
export interface Route {
  readonly kind: RouteKind
  readonly name: string
  /** Tag or digest, digest, upload identifier, file of a page, or identity provider. */
  readonly last: string
}

const fixed = new Map<string, Route>([
  ['/v2/', { kind: 'base', name: '', last: '' }],
  ['/v2', { kind: 'base', name: '', last: '' }],
  ['/v2/_catalog', { kind: 'catalog', name: '', last: '' }],
  ['/zot/auth/apikey', { kind: 'apikey', name: '', last: '' }],
  [tokenPath, { kind: 'token', name: '', last: '' }],
  ['/zot/auth/login', { kind: 'login', name: '', last: '' }],
  ['/zot/auth/logout', { kind: 'logout', name: '', last: '' }],
  ['/', { kind: 'home', name: '', last: '' }],
  ['/login', { kind: 'login-page', name: '', last: '' }],
  ['/user/apikey', { kind: 'key-page', name: '', last: '' }],
  ['/livez', { kind: 'live', name: '', last: '' }],
  ['/startupz', { kind: 'live', name: '', last: '' }],
  ['/readyz', { kind: 'ready', name: '', last: '' }],
])
const none: Route = { kind: 'none', name: '', last: '' }
const malformed: Route = { kind: 'malformed', name: '', last: '' }

/**
 * Reads a path from its end, as repository names may contain any of the words used here.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export function routeOf(path: string): Route {
  if (!path.startsWith('/v2/') || path.length < 6) return fixed.get(path) ?? below(path)
  const decoded = path.includes('%') ? decodeSegments(path) : path
  if (decoded === undefined) return malformed
  const end = decoded.lastIndexOf('/')
  const middle = decoded.lastIndexOf('/', end - 1)
  const last = decoded.slice(end + 1)
  switch (decoded.slice(middle + 1, end)) {
    case 'manifests':
      return { kind: 'manifest', name: decoded.slice(4, middle), last }
    case 'blobs':
      if (last === 'uploads') return { kind: 'uploads', name: decoded.slice(4, middle), last: '' }
      return { kind: 'blob', name: decoded.slice(4, middle), last }
    case 'referrers':
      return { kind: 'referrers', name: decoded.slice(4, middle), last }
    case 'tags':
      return last === 'list' ? { kind: 'tags', name: decoded.slice(4, middle), last: '' } : none
    case 'uploads': {
      const start = decoded.lastIndexOf('/', middle - 1)
      if (decoded.slice(start + 1, middle) !== 'blobs') return none
      const name = decoded.slice(4, start)
      return last === '' ? { kind: 'uploads', name, last } : { kind: 'upload', name, last }
    }
    default:
      return fixed.get(decoded) ?? none
  }
}

const callbacks = '/zot/auth/callback/'
const pageFiles = '/login/'

function below(path: string): Route {
  if (path.startsWith(callbacks)) return { kind: 'callback', name: '', last: path.slice(callbacks.length) }
  if (path.startsWith(pageFiles)) return { kind: 'page-file', name: '', last: path.slice(pageFiles.length) }
  return none
}

/**
 * A segment that hides a slash behind an escape is nobody's name. At the end it stays as it is written: zot took tags
 * so, escapes and all.
 */
function decodeSegments(path: string): string | undefined {
  const segments: string[] = []
  const written = path.split('/')
  for (const [at, segment] of written.entries()) {
    let decoded: string
    try {
      decoded = decodeURIComponent(segment)
    } catch {
      return undefined
    }
    const hides = decoded.includes('/') || decoded.includes('\0')
    if (hides && at < written.length - 1) return undefined
    segments.push(hides ? segment : decoded)
  }
  return segments.join('/')
}
