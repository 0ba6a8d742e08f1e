import type { Failure, Result } from '../oci/error-table.ts'
import type { RootGuard } from './root-guard.ts'
import type { Storage } from './storage.ts'

/**
 * The same storage, which acknowledges nothing and says of nothing that it is unknown while the data folder is
 * gone: pushes and deletions are refused, and a failed read says why.
 */
export function guardStorage<T extends Storage>(inner: T, guard: RootGuard): T {
  const changing = async <V>(work: () => Promise<Result<V>>): Promise<Result<V>> => {
    const gone = await guard.recent()
    if (gone) return refused(gone)
    const result = await work()
    // The folder may have gone while the work was under way, and taken with it what was done.
    const goneNow = await guard.look()
    return goneNow ? refused(goneNow) : result
  }
  const reading = async <V>(work: () => Promise<Result<V>>): Promise<Result<V>> => {
    const result = await work()
    if (result.ok) return result
    const gone = await guard.recent()
    return gone ? refused(gone) : result
  }
  const { manifests, blobs, uploads } = inner
  // All of it by its type: a method that is forgotten here would be missing, as the parts are classes.
  const guarded: Omit<Storage, 'damaged'> = {
    manifests: {
      peek: (name, reference) => manifests.peek(name, reference),
      get: (...asked) => reading(() => manifests.get(...asked)),
      put: (...asked) => changing(() => manifests.put(...asked)),
      digestOf: (...asked) => reading(() => manifests.digestOf(...asked)),
      delete: (...asked) => changing(() => manifests.delete(...asked)),
      tags: name => reading(() => manifests.tags(name)),
      entries: name => reading(() => manifests.entries(name)),
      referrers: (...asked) => reading(() => manifests.referrers(...asked)),
    },
    blobs: {
      stat: (...asked) => reading(() => blobs.stat(...asked)),
      open: (...asked) => reading(() => blobs.open(...asked)),
      delete: (...asked) => changing(() => blobs.delete(...asked)),
      find: (...asked) => reading(() => blobs.find(...asked)),
      mount: (...asked) => changing(() => blobs.mount(...asked)),
    },
    uploads: {
      start: async name => {
        const gone = await guard.recent()
        return gone ? refused(gone) : await reading(() => uploads.start(name))
      },
      offset: (...asked) => reading(() => uploads.offset(...asked)),
      write: (...asked) => reading(() => uploads.write(...asked)),
      commit: (...asked) => changing(() => uploads.commit(...asked)),
      cancel: (...asked) => reading(() => uploads.cancel(...asked)),
    },
    repositories: async () => {
      const gone = await guard.recent()
      return gone ? refused(gone) : await inner.repositories()
    },
    reachable: async () => {
      const gone = await guard.look()
      return gone ? refused(gone) : { ok: true, value: undefined }
    },
  }
  return { ...inner, ...guarded }
}

const refused = (error: Failure): { ok: false; error: Failure } => ({ ok: false, error })
