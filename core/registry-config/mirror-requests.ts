import { posix } from 'node:path'
import type { Notice } from '../../contract/snapshot.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { registryName } from './cached-upstreams.ts'
import type { Target } from './preflight.ts'
import { registryRoot } from './public-url.ts'

/** What is asked of this registry as a mirror, and misses the path that the copies of the upstream are under. */
export interface MirrorRequests {
  /** One line of the engine's log. */
  readLogLine(line: string): void
  /** One for each upstream that clients ask for without that path, until one asks with it. */
  notices(): Notice[]
}

interface Options {
  now(): number
  engine(): { id: 'zotbar-registry' | 'zot' }
  target(): Pick<Target, 'url' | 'upstreams'> | undefined
  /** What people are given instead of its url. */
  publicUrl(): string | undefined
  onChange(): void
}

interface Missed {
  since: number
  requests: number
  /** The last one came to this address, where a proxy says so. */
  address?: string
  path: string
}

/** A client names its upstreams, so that somebody could name any number. */
const maxUpstreams = 20

/**
 * containerd asks a mirror for `/v2/library/nginx/...?ns=docker.io`. Both engines answer such a name with 404 where the
 * copies are stored under `docker.io/`, and containerd goes to the upstream: the cache is passed by, and nobody is told.
 */
export function createMirrorRequests({ now, engine, target, publicUrl, onChange }: Options): MirrorRequests {
  const missed = new Map<string, Missed>()

  function miss(upstream: string, path: string, address: string | undefined): void {
    const known = missed.get(upstream)
    if (known === undefined && missed.size >= maxUpstreams) return
    missed.set(upstream, {
      since: known?.since ?? now(),
      requests: (known?.requests ?? 0) + 1,
      path,
      ...(address === undefined ? {} : { address }),
    })
    // The number is shown when something else changes: it grows with every pull.
    if (known === undefined) onChange()
  }

  return {
    readLogLine(line) {
      const request = mirrorRequestIn(line)
      const config = target()
      if (!request || !config) return
      const { upstream, repository, status, address } = request
      const cached = config.upstreams.filter(
        ({ names, destination }) => names.includes(upstream) || registryName(destination) === upstream,
      )
      if (cached.some(({ destination }) => repository.startsWith(`${destination}/`))) {
        if (missed.delete(upstream)) onChange()
        return
      }
      const stored = cached.find(({ prefix }) => posix.matchesGlob(repository, prefix))
      if (stored && status === 404) miss(upstream, stored.destination, address)
    },
    notices: () =>
      [...missed].map(([upstream, { since, requests, path, address }]): Notice => {
        const given = publicUrl()
        const base = address ?? (given === undefined ? (target()?.url ?? '') : registryRoot(given))
        return {
          kind: 'mirror-passed-by',
          id: `mirror-passed-by:${upstream}`,
          at: since,
          upstream,
          requests,
          ...(engine().id === 'zot' ? { mirror: `${base}/v2/${path}` } : {}),
        }
      }),
  }
}

interface MirrorRequest {
  /** The registry that the client means, as `registryName` gives it. */
  upstream: string
  /** As it was asked for here. */
  repository: string
  status: number
  /** Scheme and host that the client used, where a proxy in front of the registry passes them on. */
  address?: string
}

const route = /^\/v2\/(.+)\/(?:manifests|blobs)\/[^/]+$/
/** A registry as a client names it in `ns`: a host, perhaps with a port. */
const host = /^[\w.-]+(?::\d{1,5})?$/

/** The request that a line of the log reports, if it was made of a mirror. */
function mirrorRequestIn(line: string): MirrorRequest | undefined {
  // Nearly no line needs to be parsed to be ruled out.
  if (!line.includes('ns=')) return undefined
  const entry = parseJson(line)
  if (!isObject(entry) || entry['message'] !== 'HTTP API') return undefined
  const { path, statusCode: status } = entry
  if (typeof path !== 'string' || typeof status !== 'number') return undefined
  const [pathname = '', query = ''] = path.split('?', 2)
  const repository = route.exec(pathname)?.[1]
  const named = new URLSearchParams(query).getAll('ns')
  const [upstream = ''] = named
  if (repository === undefined || named.length !== 1 || !host.test(upstream)) return undefined
  const address = forwardedAddress(entry['headers'])
  return {
    upstream: registryName(upstream),
    repository,
    status,
    ...(address === undefined ? {} : { address }),
  }
}

/** zot logs the headers of a request but its Host, so that a client's name for the registry is known of a proxy alone. */
function forwardedAddress(headers: unknown): string | undefined {
  const name = headerOf(headers, 'X-Forwarded-Host')
  const scheme = headerOf(headers, 'X-Forwarded-Proto')
  return name !== undefined && host.test(name) && (scheme === 'http' || scheme === 'https')
    ? `${scheme}://${name}`
    : undefined
}

function headerOf(headers: unknown, name: string): string | undefined {
  const values = isObject(headers) ? headers[name] : undefined
  const value: unknown = Array.isArray(values) ? values[0] : undefined
  return typeof value === 'string' ? value : undefined
}
