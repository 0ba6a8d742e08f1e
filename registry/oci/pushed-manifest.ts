import { goProblem } from './go-json.ts'
import { type ManifestResult, parseManifest } from './manifest.ts'

const bom = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Reads a manifest that is pushed: beyond `parseManifest`, which also reads what is stored already, it has to be one
 * that clients can read and all read alike. One that is not would be taken and then fail at every pull, and zot
 * would skip the whole repository.
 */
export function parsePushedManifest(bytes: Buffer, contentType: string): ManifestResult {
  if (bytes.subarray(0, bom.length).equals(bom)) return bad('the manifest begins with a byte order mark')
  const parsed = parseManifest(bytes, contentType)
  if (!parsed.ok) return parsed
  const problem = goProblem(bytes.toString('utf8'), parsed.manifest.kind)
  return problem === undefined ? parsed : bad(problem)
}

const bad = (problem: string): ManifestResult => ({ ok: false, problem })
