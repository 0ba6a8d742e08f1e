import { count, isoMinute } from '../contract/messages/format.ts'
import { daysLeft, shortRemaining } from '../contract/messages/remaining-time.ts'
import { exitCode, table } from './output.ts'
import type { Verb } from './verb.ts'

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
  const { uuid, expirationDate, apiKey } = created.value
  out.object({ uuid, user: created.value.user, label: created.value.label, expirationDate, apiKey })
  out.note(`Key ${uuid} of ${user}, ends ${moment(expirationDate)}. It is shown this once:`)
  out.line(apiKey ?? '')
  return exitCode.done
}

/** Revokes a key at once; with `descendants` also those that were created with it. */
export const revoke: Verb<{ uuid: string; descendants: boolean }> = async ({ out, client }, options) => {
  const done = await client.zotbar.keys.revoke(options)
  if (!done.ok) return out.failure(done.error)
  out.object(done.value)
  const { revoked, descendants } = done.value
  out.line(`Revoked ${count(revoked.length, 'key')}: ${revoked.join(', ')}`)
  if (descendants.length === 0 || out.json) return exitCode.done
  const listed = await client.zotbar.keys.list({})
  const ours = new Set(
    listed.ok ? listed.value.keys.flatMap(({ uuid, managed }) => (managed ? [uuid] : [])) : [],
  )
  const printDescendants = (uuids: string[], more: string): void => {
    if (uuids.length > 0)
      out.line(
        `${count(uuids.length, 'key')} created with it still ${uuids.length === 1 ? 'works' : 'work'}: ${uuids.join(', ')}\n${more}`,
      )
  }
  printDescendants(
    descendants.filter(uuid => !ours.has(uuid)),
    'Revoke them too: zotbar keys revoke UUID for each, or --descendants the next time',
  )
  printDescendants(
    descendants.filter(uuid => ours.has(uuid)),
    'Zotbar manages it here. Where the revoked one has leaked: zotbar keys rotate USER --leaked',
  )
  return exitCode.done
}
