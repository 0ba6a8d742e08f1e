import type { Exchange, Handler, Handlers } from '../http/exchange.ts'
import { sendFailure } from '../http/responder.ts'
import type { Storage } from '../storage/storage.ts'

/** storage.maxRepos: what would make one repository too many is answered 429. 0: no limit, as in zot. */
export function limitRepositories(handlers: Handlers, storage: Storage, max: number): Handlers {
  if (max === 0) return handlers
  // Begun here and perhaps not in the catalog yet; keeps many beginnings at once from passing together.
  const begun = new Set<string>()

  const fits = async (name: string): Promise<boolean> => {
    if (begun.has(name)) return true
    const found = await storage.repositories()
    // Whoever comes next will say what is wrong with the storage.
    if (!found.ok || found.value.includes(name)) return true
    for (const known of found.value) begun.delete(known)
    if (found.value.length + begun.size >= max) return false
    begun.add(name)
    return true
  }

  const limited = (inner: Handler | undefined): Handler | undefined =>
    inner &&
    (async (exchange: Exchange): Promise<void> => {
      if (await fits(exchange.route.name)) return await inner(exchange)
      sendFailure(exchange, { name: 'too-many-repositories', detail: { limit: max } })
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
