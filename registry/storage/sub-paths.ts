import { failure, type Result, success } from '../oci/error-table.ts'
import type { Digest } from '../oci/reference.ts'
import type { Storage } from './storage.ts'

/**
 * One storage over several roots, as zot has it: a repository whose first of several path components is a
 * key of `subs` ("a" for "a/b", not for "a") lies in that root, under its whole name.
 */
export function routeBySubPath(main: Storage, subs: ReadonlyMap<string, Storage>): Storage {
  const prefixOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf('/')))
  const of = (name: string): Storage => subs.get(prefixOf(name)) ?? main
  const all = [main, ...subs.values()]
  const ofAll = async (
    ask: (storage: Storage) => Promise<Result<readonly string[]>>,
  ): Promise<Result<readonly string[]>> => {
    const names: string[] = []
    for (const storage of all) {
      const found = await ask(storage)
      if (!found.ok) return found
      names.push(...found.value.filter(name => of(name) === storage))
    }
    return success(names.sort())
  }
  return {
    manifests: {
      peek: (name, reference) => of(name).manifests.peek(name, reference),
      get: (name, reference) => of(name).manifests.get(name, reference),
      put: (name, ...rest) => of(name).manifests.put(name, ...rest),
      digestOf: (name, tag) => of(name).manifests.digestOf(name, tag),
      delete: (name, ...rest) => of(name).manifests.delete(name, ...rest),
      tags: name => of(name).manifests.tags(name),
      entries: name => of(name).manifests.entries(name),
      referrers: (name, digest) => of(name).manifests.referrers(name, digest),
    },
    blobs: {
      stat: (name, digest) => of(name).blobs.stat(name, digest),
      open: (name, digest) => of(name).blobs.open(name, digest),
      delete: (name, digest) => of(name).blobs.delete(name, digest),
      // Of another root it could not be mounted.
      find: (to, digest, accepts, effort) =>
        of(to).blobs.find(to, digest, name => of(name) === of(to) && accepts(name), effort),
      mount: async (from, to, digest) =>
        of(from) === of(to) ? await of(to).blobs.mount(from, to, digest) : elsewhere(digest),
    },
    uploads: {
      start: name => of(name).uploads.start(name),
      offset: (name, id) => of(name).uploads.offset(name, id),
      write: (name, id, chunk) => of(name).uploads.write(name, id, chunk),
      commit: (name, id, digest, last) => of(name).uploads.commit(name, id, digest, last),
      cancel: (name, id) => of(name).uploads.cancel(name, id),
    },
    repositories: () => ofAll(storage => storage.repositories()),
    holding: () => ofAll(storage => storage.holding()),
    damaged: () =>
      all
        .flatMap(storage => storage.damaged().filter(({ repository }) => of(repository) === storage))
        .sort((one, other) => (one.repository < other.repository ? -1 : 1)),
    reachable: async () => {
      for (const storage of all) {
        const reached = await storage.reachable()
        if (!reached.ok) return reached
      }
      return success(undefined)
    },
  }
}

/** Roots may lie on different volumes: the client uploads it. */
const elsewhere = (digest: Digest): Result<never> => failure('blob-unknown', { digest: digest.text })
