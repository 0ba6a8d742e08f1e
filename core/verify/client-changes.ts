import * as v from 'valibot'
import { isRepositoryName } from '../platform/repository-name.ts'

/** What clients changed while the new engine served: their doing is not the engine's. */
export interface ClientChanges {
  /** The log tells of requests, so a change that it does not tell of was none of a client. */
  tells: boolean
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
  const seen = new Set<string>()
  let tells = false
  for (const line of lines) {
    tells ||= line.includes('"HTTP API"')
    if (!line.includes('/manifests/')) continue
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), request), line)
    // A time without fractions may be up to a second early.
    if (!read.success || !(Date.parse(read.output.time) >= at - 1000)) continue
    const { method, path } = read.output
    const [bare = '', query = ''] = path.split('?', 2)
    const [, repository = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(bare) ?? []
    if (!isRepositoryName(repository)) continue
    const tags = new URLSearchParams(query).getAll('tag')
    for (const name of [decoded(reference), ...tags]) seen.add(`${method} ${repository} ${name}`)
  }
  return {
    tells,
    put: (repository, reference) => seen.has(`PUT ${repository} ${reference}`),
    deleted: (repository, reference) => seen.has(`DELETE ${repository} ${reference}`),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
