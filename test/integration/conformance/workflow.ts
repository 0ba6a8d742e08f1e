import { afterAll, beforeAll, expect } from 'vitest'
import { digestText, type Made } from '../../suites/image.ts'
import { type Answer, type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

export interface Descriptor {
  mediaType: string
  digest: string
  size: number
  artifactType?: string
  annotations?: Record<string, string>
}

/** One registry for a test file, and the requests of the specification against it. */
export function registryForFile(config: object = {}) {
  const folder = temporaryFolder()
  let registry: Registry
  beforeAll(async () => {
    registry = await startRegistry(`${folder.path}/root`, config)
  })
  afterAll(async () => {
    expect((await registry.stop()).code).toBe(0)
    folder.dispose()
  })

  const ask: Registry['ask'] = (path, options) => registry.ask(path, options)
  /** A location as a client may find it: relative or absolute, with or without a query. */
  const at = (location: string, query: string): string =>
    `${location}${location.includes('?') ? '&' : '?'}${query}`
  const begin = async (name: string, query = ''): Promise<string> => {
    const begun = await ask(`/v2/${name}/blobs/uploads/${query}`, {
      method: 'POST',
      headers: { 'Content-Length': '0' },
    })
    expect(begun.status).toBe(202)
    return begun.headers.location ?? ''
  }
  const pushBlob = async (name: string, bytes: Buffer | string, algorithm = 'sha256'): Promise<string> => {
    const digest = digestText(bytes, algorithm)
    const put = await ask(at(await begin(name), `digest=${digest}`), { method: 'PUT', body: bytes })
    expect(put).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
    return digest
  }
  const putManifest = (name: string, reference: string, made: Made): Promise<Answer> =>
    ask(`/v2/${name}/manifests/${reference}`, {
      method: 'PUT',
      body: made.bytes,
      headers: { 'Content-Type': made.mediaType },
    })
  const referrers = async (
    name: string,
    digest: string,
    query = '',
  ): Promise<{ answer: Answer; list: Descriptor[] }> => {
    const answer = await ask(`/v2/${name}/referrers/${digest}${query}`)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    })
    const index = JSON.parse(answer.body.toString())
    expect(index).toMatchObject({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' })
    return { answer, list: index.manifests }
  }
  /** Pulled by GET and HEAD, byte for byte, with every header a client may rely on. */
  const expectManifest = async (
    name: string,
    reference: string,
    made: Made,
    digest: string,
  ): Promise<void> => {
    const headers = {
      'content-type': made.mediaType,
      'content-length': String(made.bytes.length),
      'docker-content-digest': digest,
    }
    const got = await ask(`/v2/${name}/manifests/${reference}`)
    expect(got).toMatchObject({ status: 200, headers })
    expect(got.body.equals(made.bytes)).toBe(true)
    const head = await ask(`/v2/${name}/manifests/${reference}`, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, headers })
    expect(head.body).toHaveLength(0)
  }
  const expectBlob = async (name: string, bytes: Buffer | string, digest: string): Promise<void> => {
    const headers = { 'content-length': String(Buffer.byteLength(bytes)), 'docker-content-digest': digest }
    const got = await ask(`/v2/${name}/blobs/${digest}`)
    expect(got).toMatchObject({ status: 200, headers })
    expect(got.body.equals(Buffer.from(bytes))).toBe(true)
    expect(await ask(`/v2/${name}/blobs/${digest}`, { method: 'HEAD' })).toMatchObject({
      status: 200,
      headers,
    })
  }
  return {
    registry: () => registry,
    ask,
    at,
    begin,
    pushBlob,
    putManifest,
    referrers,
    expectManifest,
    expectBlob,
  }
}

export const jsonOf = (answer: Answer): Record<string, unknown> => JSON.parse(answer.body.toString())

/** The body of an error as the specification has it, whatever the code. */
export function expectErrorShape(answer: Answer): void {
  expect(answer.headers['content-type']).toBe('application/json')
  const { errors } = JSON.parse(answer.body.toString())
  expect(errors.length).toBeGreaterThan(0)
  for (const error of errors) {
    expect(error.code).toMatch(/^[A-Z_]+$/)
    expect(typeof error.message).toBe('string')
  }
}
