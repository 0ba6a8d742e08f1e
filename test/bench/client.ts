import { createHash, type Hash } from 'node:crypto'
import { Pool } from 'undici'

/** A small OCI Distribution client, the same for both sides. Throws on any answer that is not the expected one. */
export interface Client {
  /** `digest`, where it is already known: hashing takes time from whoever is measured. */
  blob(repository: string, bytes: Uint8Array, digest?: string): Promise<Descriptor>
  /** Links a blob of another repository, or pushes it where the server will not. */
  mount(repository: string, from: string, bytes: Uint8Array): Promise<Descriptor>
  manifest(repository: string, reference: string, json: string): Promise<Descriptor>
  /** Address of a new upload session. */
  session(repository: string): Promise<string>
  status(path: string, method?: 'GET' | 'HEAD'): Promise<number>
  close(): Promise<void>
}

export interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const configType = 'application/vnd.oci.image.config.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

export const digestOf = (bytes: Uint8Array | string): string => finish(createHash('sha256').update(bytes))
const finish = (hash: Hash): string => `sha256:${hash.digest('hex')}`

export function createClient(url: string, connections = 8): Client {
  const pool = new Pool(url, { connections, pipelining: 1 })

  async function send(
    method: 'POST' | 'PUT',
    path: string,
    want: number[],
    body: Uint8Array | string = '',
    type?: string,
  ) {
    const response = await pool.request({
      method,
      path,
      body,
      headers: { 'content-type': type ?? 'application/octet-stream' },
    })
    const text = await response.body.text()
    if (!want.includes(response.statusCode))
      throw new Error(`${method} ${url}${path}: ${response.statusCode} ${text}`)
    const location = response.headers['location']
    return { status: response.statusCode, location: typeof location === 'string' ? location : '' }
  }

  /** A Location may be absolute or relative. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md */
  const pathOf = (location: string): string => {
    const at = new URL(location, url)
    return at.pathname + at.search
  }

  async function upload(location: string, bytes: Uint8Array, digest: string): Promise<void> {
    await send('PUT', withDigest(pathOf(location), digest), [201], bytes)
  }

  async function session(repository: string): Promise<string> {
    return (await send('POST', `/v2/${repository}/blobs/uploads/`, [202])).location
  }

  return {
    async blob(repository, bytes, digest = digestOf(bytes)) {
      await upload(await session(repository), bytes, digest)
      return { mediaType: layerType, digest, size: bytes.length }
    },
    async mount(repository, from, bytes) {
      const digest = digestOf(bytes)
      const path = `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${from}`
      const answer = await send('POST', path, [201, 202])
      if (answer.status === 202) await upload(answer.location, bytes, digest)
      return { mediaType: layerType, digest, size: bytes.length }
    },
    async manifest(repository, reference, json) {
      await send('PUT', `/v2/${repository}/manifests/${reference}`, [201], json, manifestType)
      return { mediaType: manifestType, digest: digestOf(json), size: Buffer.byteLength(json) }
    },
    async session(repository) {
      return new URL(await session(repository), url).href
    },
    async status(path, method = 'GET') {
      const response = await pool.request({ method, path })
      await response.body.dump({ limit: 2 ** 40 })
      return response.statusCode
    },
    close: () => pool.close(),
  }
}

export const withDigest = (address: string, digest: string): string =>
  `${address}${address.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`

/** The JSON of an image manifest; `mark` makes it differ from others with the same blobs. */
export function imageManifest(config: Descriptor, layers: Descriptor[], mark: string): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { ...config, mediaType: configType },
    layers,
    annotations: { 'org.opencontainers.image.version': mark },
  })
}
