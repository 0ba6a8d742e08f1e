import { type Exchange, queryOf } from '../http/exchange.ts'
import { sendFailure, sendJson } from '../http/responder.ts'
import { isRepositoryName } from '../oci/name.ts'
import { pageOf, parseCount } from '../oci/page.ts'
import type { RouteContext } from './table.ts'

/** The list of repositories and the lists of tags, in pages. */
export function listRoutes({ storage }: RouteContext) {
  const catalog = async (exchange: Exchange): Promise<void> => {
    const found = await storage.repositories()
    if (!found.ok) return sendFailure(exchange, found.error)
    // As zot does: a count that makes no sense means all.
    const n = parseCount(queryOf(exchange, 'n'))
    const last = queryOf(exchange, 'last') ?? undefined
    const page = pageOf(found.value, { n: n === 'bad' ? undefined : n, last })
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

/** https://www.rfc-editor.org/rfc/rfc8288, as the distribution specification uses it. */
const link = (path: string, n: number | string | undefined, last: string): string =>
  `<${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`
