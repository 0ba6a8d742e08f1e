import { ask } from './http.ts'
import { type Probe, wantsSignIn } from './probe.ts'

/**
 * Does it say that it is ready? zot has /readyz since v2.1.6; for an older one the API's base answers.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 */
export const ready: Probe = {
  id: 'ready',
  run: async ({ url, monotonic }) => {
    const started = monotonic()
    let path = '/readyz'
    let answer = await ask(url, path, { mostBytes: 64 * 1024 })
    if (answer.kind === 'answered' && answer.status === 404) {
      path = '/v2/'
      answer = await ask(url, path, { mostBytes: 64 * 1024 })
    }
    const tookMs = monotonic() - started
    if (answer.kind === 'failed')
      return { id: 'ready', outcome: 'failed', tookMs, detail: `${path}: ${answer.why}` }
    const passed = answer.status === 200 || (path === '/v2/' && wantsSignIn(answer.status))
    return { id: 'ready', outcome: passed ? 'passed' : 'failed', tookMs, detail: `${path} ${answer.status}` }
  },
}
