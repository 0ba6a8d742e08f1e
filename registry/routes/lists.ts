import type { Identity } from '../auth/identity.ts'
import { queryOf, type RequestContext } from '../http/request-context.ts'
import { sendBytes, sendFailure, sendJson } from '../http/responder.ts'
import { manifestLimit, ociIndex } from '../oci/manifest.ts'
import { isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { ReferrerDescriptor } from '../storage/storage.ts'
import { type Authorization, type AuthorizationRules, may } from './authorize.ts'
import type { RouteDeps } from './deps.ts'

/** A slice of a sorted list as a client asked for it. */
export interface PageQuery {
  /** At most so many; undefined: all. */
  readonly n: number | undefined
  /** Continue after this one. */
  readonly last: string | undefined
}

export interface Page {
  readonly items: readonly string[]
  /** Where the next page continues, when there is one. */
  readonly next: string | undefined
}

/** Reads `n`: digits only. `bad` for anything else, negative included. */
export function parseCount(text: string | null): number | undefined | 'bad' {
  if (text === null) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : 'bad'
}

/** `sorted` is in byte order. Items after `last` (which need not be in the list), at most `n`. */
export function pageOf(sorted: readonly string[], query: PageQuery): Page {
  const from = query.last === undefined ? 0 : firstAfter(sorted, query.last)
  if (query.n === undefined) return { items: from === 0 ? sorted : sorted.slice(from), next: undefined }
  const items = sorted.slice(from, from + query.n)
  const more = from + items.length < sorted.length && items.length > 0
  return { items, next: more ? items.at(-1) : undefined }
}

function firstAfter(sorted: readonly string[], last: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') <= last) low = middle + 1
    else high = middle
  }
  return low
}

/** The list of repositories and the lists of tags, in pages. */
export function listRoutes({ storage, authorization }: RouteDeps) {
  const catalog = async (context: RequestContext): Promise<void> => {
    const found = await storage.repositories()
    if (!found.ok) return sendFailure(context, found.error)
    // As zot does: a count that makes no sense means all.
    const n = parseCount(queryOf(context, 'n'))
    const last = queryOf(context, 'last') ?? undefined
    const readable = readableBy(authorization, context.identity, found.value)
    const page = pageOf(readable, { n: n === 'bad' ? undefined : n, last })
    const next = page.next === undefined ? [] : ['Link', link('/v2/_catalog', n, page.next)]
    sendJson(context, 200, { repositories: page.items }, next)
  }

  const tags = async (context: RequestContext): Promise<void> => {
    const { name } = context.route
    if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
    const n = parseCount(queryOf(context, 'n'))
    if (n === 'bad') return sendFailure(context, { name: 'page-invalid' })
    const found = await storage.manifests.tags(name)
    if (!found.ok) return sendFailure(context, found.error)
    const last = queryOf(context, 'last') ?? undefined
    if (last !== undefined && last !== '' && !found.value.includes(last)) {
      return sendFailure(context, { name: 'page-unknown', detail: { last } })
    }
    const page = pageOf(found.value, { n, last })
    const next = page.next === undefined ? [] : ['Link', link(`/v2/${name}/tags/list`, n, page.next)]
    sendJson(context, 200, { name, tags: page.items }, next)
  }

  return { catalog: { GET: catalog, HEAD: catalog }, tags: { GET: tags, HEAD: tags } }
}

/** The names that whoever asks may read, where a token opens the list or some of it. */
function readableBy(
  authorization: Authorization,
  identity: Identity | undefined,
  names: readonly string[],
): readonly string[] {
  const grant = identity?.grant
  if (!grant) return readableOf(authorization, identity, names)
  if (grant.catalog) return readableOf(authorization, grant.holder, names)
  // Made for each answer: thousands of tokens would otherwise keep a list each.
  const open = readableOf(authorization, undefined, names)
  const more = [...grant.repositories.keys()].filter(
    name => isIn(names, name) && !isIn(open, name) && may(authorization, identity, 'read', name),
  )
  return more.length === 0 ? open : [...open, ...more].sort()
}

const isIn = (sorted: readonly string[], name: string): boolean =>
  sorted[firstAfter(sorted, name) - 1] === name

const nobody: object = {}
const kept = new WeakMap<AuthorizationRules, WeakMap<readonly string[], WeakMap<object, readonly string[]>>>()

/** The names that somebody may read. Kept for as long as list, rules and identity are the same objects. */
function readableOf(
  authorization: Authorization,
  identity: Identity | undefined,
  names: readonly string[],
): readonly string[] {
  const ofRules =
    kept.get(authorization.rules) ?? new WeakMap<readonly string[], WeakMap<object, readonly string[]>>()
  kept.set(authorization.rules, ofRules)
  const ofNames = ofRules.get(names) ?? new WeakMap<object, readonly string[]>()
  ofRules.set(names, ofNames)
  let readable = ofNames.get(identity ?? nobody)
  if (!readable) {
    readable = names.filter(name => may(authorization, identity, 'read', name))
    ofNames.set(identity ?? nobody, readable)
  }
  return readable
}

/** https://www.rfc-editor.org/rfc/rfc8288, as the distribution specification uses it. */
const link = (path: string, n: number | string | undefined, last: string): string =>
  `<${path}?n=${n}&last=${encodeURIComponent(last.toWellFormed())}>; rel="next"`

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function referrerRoutes({ storage }: RouteDeps) {
  const get = async (context: RequestContext): Promise<void> => {
    const { name, last } = context.route
    if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
    const digest = parseDigest(last)
    if (!digest) return sendFailure(context, { name: 'digest-invalid' })
    const found = await storage.manifests.referrers(name, digest)
    if (!found.ok) return sendFailure(context, found.error)
    const types = new Set(
      new URLSearchParams(context.query).getAll('artifactType').filter(type => type !== ''),
    )
    const isWanted = ({ artifactType = '' }: ReferrerDescriptor): boolean => types.has(artifactType)
    const wanted = types.size === 0 ? found.value : found.value.filter(isWanted)
    const page = pageAfter(wanted, queryOf(context, 'last') ?? '')
    const head = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex }).slice(0, -1)
    const body = Buffer.from(`${head},"manifests":[${page.items.join(',')}]}`)
    const headers = types.size === 0 ? [] : ['OCI-Filters-Applied', 'artifactType']
    if (page.next !== undefined) {
      const query = new URLSearchParams([
        ...Array.from(types, type => ['artifactType', type]),
        ['last', page.next],
      ])
      headers.push('Link', `</v2/${name}/referrers/${digest.text}?${query}>; rel="next"`)
    }
    sendBytes(context, 200, ociIndex, body, headers)
  }
  return { referrers: { GET: get, HEAD: get } }
}

/** What fits into one index that clients accept; `next` is where the following one continues. */
function pageAfter(
  sorted: readonly ReferrerDescriptor[],
  last: string,
): { items: readonly string[]; next?: string } {
  const items: string[] = []
  let room = manifestLimit - 1024
  let digest = last
  for (const one of sorted) {
    if (one.digest <= last) continue
    const json = JSON.stringify(one)
    room -= Buffer.byteLength(json) + 1
    if (room < 0 && items.length > 0) return { items, next: digest }
    items.push(json)
    digest = one.digest
  }
  return { items }
}
