import * as v from 'valibot'
import { count } from '../../contract/messages/format.ts'
import { parseJson } from '../../lib/json.ts'
import { needsSignIn, type Probe, request, signInMissing } from './probe.ts'

const page = 1000
const catalogShape = v.object({ repositories: v.nullable(v.array(v.string())) })

/**
 * Can the list of repositories be read? One page of it, so that a large store is not asked for all.
 * https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export const catalogProbe: Probe = {
  id: 'catalog',
  run: async context => {
    const { url, monotonic, authorization } = context
    const started = monotonic()
    const answer = await request(url, `/v2/_catalog?n=${page}`, { authorization })
    const tookMs = monotonic() - started
    const failed = (detail: string) => ({ id: 'catalog', outcome: 'failed', tookMs, detail }) as const
    if (answer.kind === 'failed') return failed(answer.reason)
    if (needsSignIn(answer.status))
      return { id: 'catalog', outcome: 'skipped', detail: signInMissing(context) }
    if (answer.status !== 200) return failed(`/v2/_catalog ${answer.status}`)
    const listed = v.safeParse(catalogShape, parseJson(answer.body))
    if (!listed.success) return failed('the answer is not a list of repositories')
    const names = listed.output.repositories ?? []
    const more = names.length >= page && answer.header('link') !== undefined
    const detail = `${more ? 'more than ' : ''}${count(names.length, 'repository', 'repositories')}`
    return { id: 'catalog', outcome: 'passed', tookMs, detail }
  },
}
