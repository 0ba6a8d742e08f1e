import { count, isoMinute } from '../contract/messages/format.ts'
import { loginCommand } from '../contract/messages/key-warning-message.ts'
import { daysLeft, shortRemaining } from '../contract/messages/remaining-time.ts'
import { printWarnings } from './key-warnings.ts'
import { exitCode, table } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

export interface CreateOptions {
  user: string
  label: string
  expires: string | undefined
  scopes: string[]
}

/** By the clock of whoever reads it, as the window has it. */
const moment = (time: string | null): string => (time === null ? 'never' : isoMinute(Date.parse(time)))

/** "9"; "today", "ended" and "never" for what is no number of days. */
function daysColumn(end: string | null, now: number): string {
  const days = daysLeft(end, now)
  return days !== null && days > 0 ? String(days) : shortRemaining(end, now)
}

/** Every key that can be reached, without secrets. */
export const list: Verb<object> = async ({ out, client, now }) => {
  const reply = await client.zotbar.keys.list({})
  if (!reply.ok) return out.failure(reply.error)
  const { keys, onlyUser, onlyUsers } = reply.value
  out.object(reply.value)
  if (keys.length === 0) out.line('No keys yet. Create one: zotbar keys create --user USER')
  else
    out.line(
      table(
        ['UUID', 'USER', 'LABEL', 'ENDS', 'DAYS', 'LAST USED', 'MANAGED'],
        keys.map(key => [
          key.uuid,
          key.user,
          key.label || '-',
          moment(key.expirationDate),
          daysColumn(key.expirationDate, now()),
          moment(key.lastUsed),
          key.managed ? 'yes' : '',
        ]),
      ),
    )
  const users = onlyUsers ?? (onlyUser === undefined ? [] : [onlyUser])
  if (users.length > 0)
    out.note(
      `Only the keys of ${users.join(', ')}: this engine gives keys to nobody but the user they belong to.`,
    )
  return exitCode.done
}

/** Creates a key and prints its secret, this once. */
export const create: Verb<CreateOptions> = async ({ out, client }, { user, label, expires, scopes }) => {
  const created = await client.zotbar.keys.create({
    user,
    label,
    scopes,
    ...(expires === undefined ? {} : { expires }),
  })
  if (!created.ok) return out.failure(created.error)
  const { uuid, expirationDate, apiKey, registry, warnings = [] } = created.value
  out.object({
    ...{ uuid, user: created.value.user, label: created.value.label, expirationDate, apiKey },
    ...(registry === undefined ? {} : { registry }),
    warnings,
  })
  out.note(`Key ${uuid} of ${user}, ends ${moment(expirationDate)}. It is shown this once:`)
  out.line(apiKey ?? '')
  if (registry !== undefined)
    out.note(`To sign in, with the key on its input: ${loginCommand(registry, user)}`)
  printWarnings(out, warnings)
  return exitCode.done
}

interface RevokeOptions {
  uuid: string
  descendants: boolean
  /** Others know it: what was created with it goes as well. */
  leaked: boolean
}

/** Revokes a key at once; with `descendants` or `leaked` also those that were created with it. */
export const revoke: Verb<RevokeOptions> = async ({ out, client }, { uuid, descendants, leaked }) => {
  const managed = out.json ? new Map<string, string>() : await managedKeys(client)
  const done = await client.zotbar.keys.revoke({ uuid, descendants: descendants || leaked })
  if (!done.ok) return out.failure(done.error)
  out.object(done.value)
  const { revoked, descendants: left, descendantsUnknown } = done.value
  out.line(
    revoked.length === 0
      ? 'It was revoked before.'
      : `Revoked ${count(revoked.length, 'key')}: ${revoked.join(', ')}`,
  )
  const printLeft = (uuids: string[], more: string): void => {
    if (uuids.length > 0)
      out.line(
        `${count(uuids.length, 'key')} created with it still ${uuids.length === 1 ? 'works' : 'work'}: ${uuids.join(', ')}\n${more}`,
      )
  }
  printLeft(
    left.filter(key => !managed.has(key)),
    `Revoke them too: zotbar keys revoke ${uuid} --leaked`,
  )
  printLeft(
    left.filter(key => managed.has(key)),
    'Zotbar manages it here. Where the revoked one has leaked: zotbar keys rotate USER --leaked',
  )
  for (const user of new Set(revoked.flatMap(key => managed.get(key) ?? [])))
    out.line(`The key of ${user} that Zotbar manages is among them. A new one: zotbar keys rotate ${user}`)
  if (leaked && descendantsUnknown)
    out.line(
      'This engine does not tell which keys were created with it. Look through the others: zotbar keys list',
    )
  return exitCode.done
}

/** Whose they are, by uuid: the keys in use, not those that are about to be retired. */
async function managedKeys(client: VerbContext['client']): Promise<Map<string, string>> {
  const listed = await client.zotbar.keys.managed({})
  const keys = listed.ok ? listed.value.keys : []
  return new Map(keys.map(key => [key.uuid, key.user]))
}
