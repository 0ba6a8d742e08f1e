import * as v from 'valibot'
import { fail, ok, type Result } from '../../../contract/result.ts'
import type { AdminAnswer, AdminClient } from '../../platform/admin-client.ts'
import type { KeyBook } from './key-book.ts'

const key = v.object({
  uuid: v.string(),
  user: v.string(),
  label: v.string(),
  createdAt: v.string(),
  expirationDate: v.nullable(v.string()),
  lastUsed: v.nullable(v.string()),
})
const listed = v.object({ keys: v.array(key) })
const made = v.object({
  uuid: v.string(),
  user: v.string(),
  label: v.string(),
  expirationDate: v.nullable(v.string()),
  apiKey: v.string(),
})
const revoked = v.object({ revoked: v.array(v.string()), descendants: v.array(v.string()) })
const refused = v.object({ error: v.string() })

/** The keys of every user, over the administration socket. Undefined where the engine has none. */
export async function socketBook(admin: AdminClient): Promise<KeyBook | undefined> {
  const first = await admin.ask('GET', '/keys')
  if (first.kind === 'absent') return undefined
  return {
    mayLiveForEver: false,
    async list() {
      const read = readAs(listed, await admin.ask('GET', '/keys'))
      return read.ok ? ok(read.value.keys.map(one => ({ ...one, managed: false }))) : read
    },
    create: async wish => readAs(made, await admin.ask('POST', '/keys', wish)),
    async revoke(uuid, descendants) {
      const answer = await admin.ask('DELETE', `/keys/${uuid}${descendants ? '?descendants=true' : ''}`)
      if (answer.kind === 'answered' && answer.status === 404) return fail({ code: 'key-not-found', uuid })
      return readAs(revoked, answer)
    },
  }
}

function readAs<S extends v.GenericSchema>(schema: S, answer: AdminAnswer): Result<v.InferOutput<S>> {
  if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
  if (answer.status === 409) return fail({ code: 'keys-off' })
  const read = v.safeParse(schema, answer.body)
  if (answer.status < 300 && read.success) return ok(read.output)
  const no = v.safeParse(refused, answer.body)
  return fail({
    code: 'key-refused',
    reason: no.success ? no.output.error : `the registry answers ${answer.status}`,
  })
}
