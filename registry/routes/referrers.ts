import { type Exchange, queryOf } from '../http/exchange.ts'
import { sendBytes, sendFailure } from '../http/responder.ts'
import { parseDigest } from '../oci/digest.ts'
import { ociIndex } from '../oci/media-type.ts'
import { isRepositoryName } from '../oci/name.ts'
import type { RouteContext } from './table.ts'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function referrerRoutes({ storage }: RouteContext) {
  const get = async (exchange: Exchange): Promise<void> => {
    const { name, last } = exchange.route
    if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
    const digest = parseDigest(last)
    if (!digest) return sendFailure(exchange, { name: 'digest-invalid' })
    const found = await storage.manifests.referrers(name, digest)
    if (!found.ok) return sendFailure(exchange, found.error)
    const type = queryOf(exchange, 'artifactType')
    const manifests = type === null ? found.value : found.value.filter(one => one.artifactType === type)
    const index = { schemaVersion: 2, mediaType: ociIndex, manifests }
    const filtered = type === null ? [] : ['OCI-Filters-Applied', 'artifactType']
    sendBytes(exchange, 200, ociIndex, Buffer.from(JSON.stringify(index)), filtered)
  }
  return { referrers: { GET: get, HEAD: get } }
}
