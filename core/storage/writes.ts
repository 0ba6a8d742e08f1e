import { isObject, parseJson } from '../../lib/json.ts'
import { isRepositoryName } from '../platform/repository-name.ts'

/** A change of the store that one line of the engine's log reports. */
export interface Write {
  /**
   * `push` a manifest came, `delete` a manifest or blob went, `blob` a blob came, `collected` the engine's own
   * cleaning removed blobs, `synced` an image was copied from upstream; `uploading` bytes are on their way and
   * nothing is stored yet.
   */
  kind: 'push' | 'delete' | 'blob' | 'collected' | 'synced' | 'uploading'
  repository: string
  /** Tags that a push set; empty for a push by digest. */
  tags: string[]
  /** ms since the epoch, where the line has a time. */
  at?: number
  by?: string
}

const worthParsing =
  /"(?:method":\s*"(?:PUT|POST|PATCH|DELETE)|message":\s*"(?:garbage collected blobs|successfully synced image))"/
const route = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/

/**
 * Reads one JSON line of zot's log (or ours, which has the same form): `HTTP API` for each request, and two
 * messages for what happens without one. Undefined for anything that changed nothing, reads included.
 */
export function parseWrite(line: string): Write | undefined {
  // Most lines are pulls and probes, which need no parsing to be ruled out.
  if (!worthParsing.test(line)) return undefined
  const entry = parseRecord(line)
  if (!entry) return undefined
  const target = entry['message'] === 'HTTP API' ? writeOfRequest(entry) : writeOfMessage(entry)
  if (!target || !isRepositoryName(target.repository)) return undefined
  const at = typeof entry['time'] === 'string' ? Date.parse(entry['time']) : Number.NaN
  const by = entry['username']
  return {
    ...target,
    ...(Number.isNaN(at) ? {} : { at }),
    ...(typeof by === 'string' && by !== '' ? { by } : {}),
  }
}

/** Whether a line reports a request that was refused because the disk is full (507). */
export function isRefusedForSpace(line: string): boolean {
  if (!/"statusCode":\s*507\b/.test(line)) return false
  const entry = parseRecord(line)
  return entry?.['message'] === 'HTTP API' && entry['statusCode'] === 507
}

type WriteTarget = Pick<Write, 'kind' | 'repository' | 'tags'>

function writeOfRequest(entry: Record<string, unknown>): WriteTarget | undefined {
  const { method, path, statusCode: status } = entry
  if (typeof path !== 'string' || typeof status !== 'number' || status < 200 || status > 299) return undefined
  const [pathname = '', query = ''] = path.split('?', 2)
  const match = route.exec(pathname)
  if (!match) return undefined
  const [, repository = '', resource, rest = ''] = match
  const upload = repositoryOfUpload(pathname)
  if (upload !== undefined) {
    if (method === 'DELETE') return undefined
    if (status === 202) return { kind: 'uploading', repository: upload, tags: [] }
    return status === 201 ? { kind: 'blob', repository: upload, tags: [] } : undefined
  }
  if (method === 'DELETE') return { kind: 'delete', repository, tags: [] }
  if (method !== 'PUT' || resource !== 'manifests') return undefined
  // A push by digest may name its tags in the query (zot 2.1.16 and later).
  const tags = /^sha(256|512):/.test(rest) ? new URLSearchParams(query).getAll('tag') : [rest]
  return { kind: 'push', repository, tags }
}

/** "/v2/NAME/blobs/uploads/" and "/v2/NAME/blobs/uploads/ID". */
const repositoryOfUpload = (path: string): string | undefined =>
  /^\/v2\/(.+)\/blobs\/uploads(?:\/[^/]*)?$/.exec(path)?.[1]

function writeOfMessage(entry: Record<string, unknown>): WriteTarget | undefined {
  if (entry['message'] === 'garbage collected blobs') {
    const { repository, count } = entry
    return typeof repository === 'string' && typeof count === 'number' && count > 0
      ? { kind: 'collected', repository, tags: [] }
      : undefined
  }
  if (entry['message'] !== 'successfully synced image') return undefined
  // Earlier releases named the image in one field.
  const name =
    entry['repo'] ?? (typeof entry['image'] === 'string' ? /^[^:@]+/.exec(entry['image'])?.[0] : '')
  return typeof name === 'string' ? { kind: 'synced', repository: name, tags: [] } : undefined
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  const value = parseJson(line)
  return isObject(value) ? value : undefined
}
