import type { Handler, Handlers, RequestContext } from '../http/request-context.ts'
import { sendFailure } from '../http/responder.ts'
import { isNewRepositoryName } from '../oci/reference.ts'
import type { Storage } from '../storage/storage.ts'

/** A repository that was begun and has no manifest after this long counts no more, ms. */
const begunForMs = 60 * 60_000

/**
 * storage.maxRepos: how many repositories may hold a manifest, as in zot; one that was begun counts too. What would
 * make one repository too many is answered 429. 0: no limit, as in zot. Belongs behind the authorization: a client that
 * may not push must neither use up the limit nor learn which names are taken. `now`: ms, of a clock that only goes
 * forward.
 */
export function limitRepositories(
  handlers: Handlers,
  storage: Pick<Storage, 'repositories' | 'holding'>,
  max: number,
  now: () => number = () => performance.now(),
): Handlers {
  if (max === 0) return handlers
  // Begun here and without a manifest yet; keeps many beginnings at once from passing together.
  const begun = new Map<string, number>()

  /** A name that is none goes on too, to hear so. */
  const fits = async (name: string): Promise<boolean> => {
    if (!isNewRepositoryName(name)) return true
    if (begun.has(name)) {
      begun.set(name, now())
      return true
    }
    const found = await storage.repositories()
    // The handler will say what is wrong with the storage.
    if (!found.ok) return true
    if (found.value.length + begun.size >= max) {
      const holding = await storage.holding()
      if (!holding.ok || holding.value.includes(name)) return true
      for (const known of holding.value) begun.delete(known)
      for (const [other, at] of begun) if (now() - at > begunForMs) begun.delete(other)
      if (holding.value.length + begun.size >= max) return false
    }
    begun.set(name, now())
    return true
  }

  const limited = (inner: Handler | undefined): Handler | undefined =>
    inner &&
    (async (context: RequestContext): Promise<void> => {
      const { kind, name } = context.route
      if (await fits(name)) {
        await inner(context)
        // From now on it counts for what it holds.
        if (kind === 'manifest' && context.status === 201) begun.delete(name)
        return
      }
      sendFailure(context, { name: 'too-many-repositories', detail: { limit: max } })
    })

  const { uploads, manifest } = handlers
  const post = limited(uploads['POST'])
  const put = limited(manifest['PUT'])
  return {
    ...handlers,
    uploads: post ? { ...uploads, POST: post } : uploads,
    manifest: put ? { ...manifest, PUT: put } : manifest,
  }
}
