import { signInCommands } from '../contract/messages/notice-message.ts'
import { exitCode } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

/** The admin that the first run created, with the password. `only`: nothing but the password, for a pipe. */
export const show: Verb<{ only: boolean }> = (context, { only }) => printAdmin(context, 'show', only)

/** A new password; the old one ends at once. */
export const reset: Verb<{ only: boolean }> = (context, { only }) => printAdmin(context, 'reset', only)

async function printAdmin({ out, client }: VerbContext, verb: 'show' | 'reset', only: boolean) {
  const reply = await client.zotbar.admin[verb]({})
  if (!reply.ok) return out.failure(reply.error)
  const { user, password } = reply.value
  out.object({ user, password })
  if (only) {
    out.line(password)
    return exitCode.done
  }
  out.line(`User      ${user}\nPassword  ${password}`)
  const snapshot = await client.zotbar.app.snapshot({})
  if (snapshot.ok) {
    const { host, port } = snapshot.value.registry
    out.note(['To sign in:', ...signInCommands(`${host}:${port}`, user)].join('\n  '))
  }
  return exitCode.done
}
