import { type Exchange, queryOf } from '../http/exchange.ts'
import { sendBytes, sendFailure } from '../http/responder.ts'
import { manifestLimit, ociIndex } from '../oci/manifest.ts'
import { isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { ReferrerDescriptor } from '../storage/storage.ts'
import type { RouteContext } from './context.ts'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function referrerRoutes({ storage }: RouteContext) {
  const get = async (exchange: Exchange): Promise<void> => {
    const { name, last } = exchange.route
    if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
    const digest = parseDigest(last)
    if (!digest) return sendFailure(exchange, { name: 'digest-invalid' })
    const found = await storage.manifests.referrers(name, digest)
    if (!found.ok) return sendFailure(exchange, found.error)
    const type = queryOf(exchange, 'artifactType') ?? ''
    const wanted = type === '' ? found.value : found.value.filter(one => one.artifactType === type)
    const page = pageAfter(wanted, queryOf(exchange, 'last') ?? '')
    const head = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex }).slice(0, -1)
    const body = Buffer.from(`${head},"manifests":[${page.items.join(',')}]}`)
    const headers = type === '' ? [] : ['OCI-Filters-Applied', 'artifactType']
    if (page.next !== undefined) {
      const query = new URLSearchParams({ ...(type === '' ? {} : { artifactType: type }), last: page.next })
      headers.push('Link', `</v2/${name}/referrers/${digest.text}?${query}>; rel="next"`)
    }
    sendBytes(exchange, 200, ociIndex, body, headers)
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
