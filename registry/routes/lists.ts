import type { Identity } from '../auth/identity.ts'
import { type Exchange, queryOf } from '../http/exchange.ts'
import { sendFailure, sendJson } from '../http/responder.ts'
import { pageOf, parseCount } from '../oci/page.ts'
import { isRepositoryName } from '../oci/reference.ts'
import type { RouteContext } from './context.ts'
import { type Gate, type GateRules, may } from './gate.ts'

/** The list of repositories and the lists of tags, in pages. */
export function listRoutes({ storage, gate }: RouteContext) {
  const catalog = async (exchange: Exchange): Promise<void> => {
    const found = await storage.repositories()
    if (!found.ok) return sendFailure(exchange, found.error)
    // As zot does: a count that makes no sense means all.
    const n = parseCount(queryOf(exchange, 'n'))
    const last = queryOf(exchange, 'last') ?? undefined
    const readable = readableOf(gate, exchange.identity, found.value)
    const page = pageOf(readable, { n: n === 'bad' ? undefined : n, last })
    const next = page.next === undefined ? [] : ['Link', link('/v2/_catalog', n, page.next)]
    sendJson(exchange, 200, { repositories: page.items }, next)
  }

  const tags = async (exchange: Exchange): Promise<void> => {
    const { name } = exchange.route
    if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
    const n = parseCount(queryOf(exchange, 'n'))
    if (n === 'bad') return sendFailure(exchange, { name: 'page-invalid' })
    const found = await storage.manifests.tags(name)
    if (!found.ok) return sendFailure(exchange, found.error)
    const last = queryOf(exchange, 'last') ?? undefined
    if (last !== undefined && last !== '' && !found.value.includes(last)) {
      return sendFailure(exchange, { name: 'page-unknown', detail: { last } })
    }
    const page = pageOf(found.value, { n, last })
    const next = page.next === undefined ? [] : ['Link', link(`/v2/${name}/tags/list`, n, page.next)]
    sendJson(exchange, 200, { name, tags: page.items }, next)
  }

  return { catalog: { GET: catalog, HEAD: catalog }, tags: { GET: tags, HEAD: tags } }
}

const nobody: object = {}
const kept = new WeakMap<GateRules, WeakMap<readonly string[], WeakMap<object, readonly string[]>>>()

/** The names that somebody may read. Kept for as long as list, rules and identity are the same objects. */
function readableOf(gate: Gate, identity: Identity | undefined, names: readonly string[]): readonly string[] {
  const ofRules = kept.get(gate.rules) ?? new WeakMap<readonly string[], WeakMap<object, readonly string[]>>()
  kept.set(gate.rules, ofRules)
  const ofNames = ofRules.get(names) ?? new WeakMap<object, readonly string[]>()
  ofRules.set(names, ofNames)
  let readable = ofNames.get(identity ?? nobody)
  if (!readable) {
    readable = names.filter(name => may(gate, identity, 'read', name))
    ofNames.set(identity ?? nobody, readable)
  }
  return readable
}

/** https://www.rfc-editor.org/rfc/rfc8288, as the distribution specification uses it. */
const link = (path: string, n: number | string | undefined, last: string): string =>
  `<${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`
