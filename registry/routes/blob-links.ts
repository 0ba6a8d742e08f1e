import { LRUCache } from 'lru-cache'
import { type RequestContext, userOf } from '../http/request-context.ts'
import { type Digest, isNewRepositoryName } from '../oci/reference.ts'
import { may } from './authorize.ts'
import type { RouteDeps } from './deps.ts'

type BlobLinkDeps = Pick<
  RouteDeps,
  'storage' | 'pushes' | 'events' | 'authorization' | 'state' | 'maxRepositories'
>

export interface BlobLinks {
  /** Whether the repository of the request has the blob now. */
  make(context: RequestContext, digest: Digest): Promise<boolean>
  /** Somebody wanted it gone: to ask whether it is must not bring it back. */
  removed(name: string, digest: Digest): void
}

const maxRemoved = 10_000

/**
 * As zot does: a client that asks with HEAD whether it has to upload a blob need not, where another repository has it.
 * Only for somebody who may push it there, and read it where it is; for everybody else nothing happens.
 */
export function createBlobLinks(deps: BlobLinkDeps): BlobLinks {
  const { storage, pushes, events, authorization, state, maxRepositories } = deps
  const gone = new LRUCache<string, true>({ max: maxRemoved })

  /** A look begins no repository where their number is limited: the upload does, and counts. */
  const hasRoom = async (name: string): Promise<boolean> => {
    if (maxRepositories === 0) return true
    const found = await storage.repositories()
    return found.ok && found.value.includes(name)
  }

  const make = async (context: RequestContext, digest: Digest): Promise<boolean> => {
    const { identity, route } = context
    const { name } = route
    if (!isNewRepositoryName(name) || isBrowser(context)) return false
    if (!may(authorization, identity, 'create', name)) return false
    if (state.draining && !pushes.continues(name)) return false
    if (gone.has(keyOf(name, digest)) || !(await hasRoom(name))) return false
    const mayRead = (other: string): boolean => other !== name && may(authorization, identity, 'read', other)
    // Asked for every layer of every push, so it must cost next to nothing.
    const found = await storage.blobs.find(name, digest, mayRead, 'known')
    if (!found.ok || found.value === undefined) return false
    const done = pushes.begin(name)
    try {
      const mounted = await storage.blobs.mount(found.value, name, digest)
      // Whatever is wrong with the storage, the upload that follows hears of it.
      if (!mounted.ok) return false
      context.hasChanged = true
      pushes.between(name)
      events.emit({ kind: 'blob', repository: name, digest: digest.text, ...userOf(context) })
      return true
    } finally {
      done()
    }
  }

  return { make, removed: (name, digest) => void gone.set(keyOf(name, digest), true) }
}

const keyOf = (name: string, digest: Digest): string => `${digest.text} ${name}`

/** Any page may send a HEAD without asking, also to a registry on this machine, and no page is to write by it. */
function isBrowser({ req }: RequestContext): boolean {
  const { origin, 'sec-fetch-mode': mode, 'user-agent': agent } = req.headers
  return origin !== undefined || mode !== undefined || agent?.startsWith('Mozilla/') === true
}
