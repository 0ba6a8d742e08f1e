import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'
import { needsSignIn, type Probe, request } from './probe.ts'

const refused = v.object({
  errors: v.tuple([v.object({ message: v.string(), detail: v.exactOptional(v.unknown()) })]),
})
const reasonDetail = v.object({ reason: v.string() })

/** What the registry says of it, in the specification's form of an error. */
function reasonIn(body: Buffer): string | undefined {
  const read = v.safeParse(refused, parseJson(body))
  if (!read.success) return undefined
  const [{ message, detail }] = read.output.errors
  const parsed = v.safeParse(reasonDetail, detail)
  const text = parsed.success ? parsed.output.reason : message
  return text.replace(/\s+/g, ' ').trim().slice(0, 300) || undefined
}

/**
 * Does it say that it is ready? zot has /readyz since v2.1.6; for an older one the API's base answers.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 */
export const readinessProbe: Probe = {
  id: 'ready',
  run: async ({ url, monotonic }) => {
    const started = monotonic()
    let path = '/readyz'
    let answer = await request(url, path, { maxBytes: 64 * 1024 })
    if (answer.kind === 'answered' && answer.status === 404) {
      path = '/v2/'
      answer = await request(url, path, { maxBytes: 64 * 1024 })
    }
    const tookMs = monotonic() - started
    if (answer.kind === 'failed')
      return { id: 'ready', outcome: 'failed', tookMs, detail: `${path}: ${answer.reason}` }
    const passed = answer.status === 200 || (path === '/v2/' && needsSignIn(answer.status))
    const detail = `${path} ${answer.status}`
    if (passed) return { id: 'ready', outcome: 'passed', tookMs, detail }
    const reason = reasonIn(answer.body)
    return { id: 'ready', outcome: 'failed', tookMs, detail, ...(reason === undefined ? {} : { reason }) }
  },
}
