import * as v from 'valibot'
import { fail, ok } from '../../../contract/result.ts'
import { parseJson } from '../../../lib/json.ts'
import { type RegistryAnswer, type RegistryHttp, refusal } from '../../platform/registry-http.ts'
import type { KeyBook } from './key-book.ts'

const path = '/zot/auth/apikey'
const zeroTime = '0001-01-01T00:00:00Z'

const key = v.object({
  uuid: v.string(),
  label: v.optional(v.string(), ''),
  createdAt: v.string(),
  expirationDate: v.optional(v.string(), zeroTime),
  lastUsed: v.optional(v.string(), zeroTime),
})
const listed = v.object({ apiKeys: v.nullable(v.array(key)) })
const made = v.object({ ...key.entries, apiKey: v.string() })

/** Go's zero time stands for never. */
const timeOrNever = (text: string): string | null => (text.startsWith('0001-01-01') ? null : text)

/**
 * The keys of one user, whose credential the app holds, over zot's own routes.
 * https://zotregistry.dev/latest/articles/authn-authz/#api-keys
 */
export function ownBook(registry: RegistryHttp, engine: string, user: string): KeyBook {
  const read = <S extends v.GenericSchema>(schema: S, answer: RegistryAnswer, what: string) => {
    if (answer.status === 404) return fail({ code: 'keys-off' })
    if (answer.status === 400)
      return fail({
        code: 'key-refused',
        reason: answer.body.toString('utf8').slice(0, 200) || 'it answers 400',
      })
    const parsed = v.safeParse(schema, parseJson(answer.body))
    return answer.status < 300 && parsed.success ? ok(parsed.output) : fail(refusal(answer, what))
  }
  return {
    onlyUser: user,
    mayLiveForEver: true,
    async list() {
      const answer = await registry.ask(path, { onlyKnown: true })
      if (!answer.ok) return answer
      const found = read(listed, answer.value, 'list keys')
      if (!found.ok) return found
      return ok(
        (found.value.apiKeys ?? []).map(({ uuid, label, createdAt, expirationDate, lastUsed }) => ({
          uuid,
          user,
          label,
          createdAt,
          expirationDate: timeOrNever(expirationDate),
          lastUsed: timeOrNever(lastUsed),
          managed: false,
        })),
      )
    },
    async create(wish) {
      if (wish.user !== user) return fail({ code: 'keys-need-admin-socket', engine, user })
      const { label, expirationDate, scopes } = wish
      const body = { label, scopes, ...(expirationDate === '' ? {} : { expirationDate }) }
      const answer = await registry.ask(path, { method: 'POST', body, onlyKnown: true })
      if (!answer.ok) return answer
      const created = read(made, answer.value, 'make a key')
      if (!created.ok) return created
      const { uuid, apiKey } = created.value
      return ok({ uuid, user, label, expirationDate: timeOrNever(created.value.expirationDate), apiKey })
    },
    async revoke(uuid) {
      // zot answers 200 for a key that is not there or not this user's, so it is looked for first.
      const all = await this.list()
      if (!all.ok) return all
      if (!all.value.some(one => one.uuid === uuid)) return fail({ code: 'key-not-found', uuid })
      const answer = await registry.ask(`${path}?id=${uuid}`, { method: 'DELETE', onlyKnown: true })
      if (!answer.ok) return answer
      if (answer.value.status !== 200) return fail(refusal(answer.value, 'revoke the key'))
      return ok({ revoked: [uuid], descendants: [] })
    },
  }
}
