import * as v from 'valibot'
import { isRepositoryName } from '../platform/repository-name.ts'
import type { Inventory } from './inventory.ts'
import type { ReadRepository } from './read-store.ts'

/** What a store has now, against what it had. */
export interface Comparison {
  /** Half sentences: what was there, and is not any more or cannot be read. */
  lost: string[]
  /** Half sentences: what could not be read before, so that nobody can say. */
  notProven: string[]
  /** Manifests that are gone and that no tag reached: collection removes such. */
  collected: number
  /** Tags that are still to be served, by repository. */
  tags: Map<string, Map<string, string>>
}

/**
 * Compares digests: every tag leads to the digest that it had, and every manifest that a tag keeps is there, as a child
 * of an index or by what it refers to. What clients changed meanwhile is theirs. Pure.
 */
export function compareInventories(before: Inventory, after: Inventory, clients: ClientChanges): Comparison {
  const now = new Map(
    after.repositories.map(repository => [keyOf(repository.root, repository.name), repository]),
  )
  // Where the data folder of a repository is not known, its name has to do.
  for (const repository of after.repositories) now.set(keyOf(undefined, repository.name), repository)
  const result: Comparison = { lost: [], notProven: [], collected: 0, tags: new Map() }
  for (const earlier of before.repositories) {
    if (earlier.kind === 'unreadable') {
      result.notProven.push(`${earlier.name} could not be read before (${earlier.reason})`)
      continue
    }
    const later = now.get(keyOf(earlier.root, earlier.name))
    if (later?.kind === 'unreadable')
      result.lost.push(`${earlier.name} cannot be read any more: ${later.reason}`)
    else compareRepository(earlier, later, clients, result)
  }
  const names = new Set(before.repositories.map(({ name }) => name))
  for (const { kind, name } of after.repositories)
    if (kind === 'unreadable' && !names.has(name)) result.notProven.push(`${name} cannot be read`)
  return result
}

const keyOf = (root: string | undefined, name: string): string => `${root ?? ''}\0${name}`

function compareRepository(
  earlier: ReadRepository,
  later: ReadRepository | undefined,
  clients: ClientChanges,
  result: Comparison,
): void {
  const { name } = earlier
  const staying = new Map<string, string>()
  for (const [tag, digest] of earlier.tags) {
    const found = later?.tags.get(tag)
    if (found === digest) staying.set(tag, digest)
    else if (!isByClient(earlier, later, { tag, found, digest }, clients))
      result.lost.push(
        found === undefined
          ? `${name}:${tag} is no longer in the data folder`
          : `${name}:${tag} leads to another image: ${digest} became ${found}`,
      )
  }
  if (staying.size > 0) result.tags.set(name, new Map([...(result.tags.get(name) ?? []), ...staying]))
  const needed = reachableFrom(staying.values(), earlier)
  const wasRetained = reachableFrom(earlier.tags.values(), earlier)
  for (const digest of earlier.manifests.keys()) {
    if (later?.manifests.has(digest) || clients.deleted(name, digest)) continue
    if (needed.has(digest)) result.lost.push(`${name}@${digest} is no longer in the data folder`)
    // What went with a tag that a client moved or removed is no news.
    else if (!wasRetained.has(digest)) result.collected += 1
  }
}

interface MovedTag {
  tag: string
  digest: string
  found: string | undefined
}

/** The log has the request; without a log, the tag leads to an image that was not in the store before. */
function isByClient(
  earlier: ReadRepository,
  later: ReadRepository | undefined,
  { tag, digest, found }: MovedTag,
  { logsRequests, put, deleted }: ClientChanges,
): boolean {
  if (deleted(earlier.name, tag) || deleted(earlier.name, digest)) return true
  if (found === undefined) return false
  return (
    put(earlier.name, tag) ||
    (!logsRequests && !earlier.manifests.has(found) && later?.manifests.has(found) === true)
  )
}

/** Those that tagged ones reach: themselves, their children, and what refers to any of these. */
function reachableFrom(tagged: Iterable<string>, { manifests }: ReadRepository): Set<string> {
  const referrers = new Map<string, string[]>()
  for (const [digest, { subject }] of manifests)
    if (subject !== undefined) referrers.set(subject, [...(referrers.get(subject) ?? []), digest])
  const reached = new Set<string>()
  const pending = [...tagged]
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    if (reached.has(digest)) continue
    reached.add(digest)
    pending.push(...(manifests.get(digest)?.children ?? []), ...(referrers.get(digest) ?? []))
  }
  return reached
}

/** What clients changed while the new engine served: their doing is not the engine's. */
export interface ClientChanges {
  /** The log has requests, so a change without a request was not made by a client. */
  logsRequests: boolean
  /** A manifest was put under this tag or digest. */
  put(repository: string, reference: string): boolean
  deleted(repository: string, reference: string): boolean
}

const request = v.object({
  message: v.literal('HTTP API'),
  time: v.string(),
  method: v.picklist(['PUT', 'DELETE']),
  path: v.string(),
  statusCode: v.pipe(v.number(), v.minValue(200), v.maxValue(299)),
})

/** From lines of the engine's log, which both engines write in the same form: what was acknowledged since `at` (ms). */
export function clientChanges(lines: readonly string[], at: number): ClientChanges {
  const requests = new Set<string>()
  let logsRequests = false
  for (const line of lines) {
    logsRequests ||= line.includes('"HTTP API"')
    if (!line.includes('/manifests/')) continue
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), request), line)
    // A time without fractions may be up to a second early.
    if (!read.success || !(Date.parse(read.output.time) >= at - 1000)) continue
    const { method, path } = read.output
    const [pathname = '', query = ''] = path.split('?', 2)
    const [, repository = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname) ?? []
    if (!isRepositoryName(repository)) continue
    const tags = new URLSearchParams(query).getAll('tag')
    // zot keeps a tag as it stands in the path, zotbar-registry one without escapes.
    for (const name of new Set([reference, decoded(reference), ...tags]))
      requests.add(`${method} ${repository} ${name}`)
  }
  return {
    logsRequests,
    put: (repository, reference) => requests.has(`PUT ${repository} ${reference}`),
    deleted: (repository, reference) => requests.has(`DELETE ${repository} ${reference}`),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
