import { exactMoment } from '../contract/messages/format.ts'
import { lastConfigQuestion } from '../contract/messages/last-config-message.ts'
import { askForYes, isUnattended } from './ask-for-yes.ts'
import { exitCode } from './output.ts'
import { reportStates } from './registry.ts'
import type { Verb } from './verb.ts'

/** What bringing back the config that last started would change. With --json one object: {file, at, engine, diff?}. */
export const show: Verb<object> = async ({ out, client }) => {
  const reply = await client.zotbar.config.last({})
  if (!reply.ok) return out.failure(reply.error)
  const { file, at, engine, diff } = reply.value
  out.object(reply.value)
  if (diff === undefined) out.line(`${file} is the one with which the registry last started.`)
  else {
    out.line(
      `${engine} last started with that of ${exactMoment(at)}. To bring it back: zotbar config restore`,
    )
    out.line(diff)
  }
  return exitCode.done
}

/** Asks, brings it back and starts the registry. With --json one object: {file, at, keptAs?, failure?}. */
export const restore: Verb<{ yes: boolean }> = async (context, { yes }) => {
  const { out, client } = context
  const last = await client.zotbar.config.last({})
  if (!last.ok) return out.failure(last.error)
  const { at, diff, id, file } = last.value
  if (diff === undefined) return out.failure({ code: 'no-other-config', file, at })
  if (!yes) {
    const { title, body, confirm } = lastConfigQuestion({ at, diff })
    out.line(`${title}\n${body}\n${diff}`)
    if (out.json) return out.failure({ code: 'cancelled' })
    const nobody = isUnattended(out)
    if (nobody || !(await askForYes(confirm))) {
      out.note(
        `Nothing was changed.${nobody ? ' Nobody can be asked here; agree beforehand with --yes.' : ''}`,
      )
      return exitCode.failed
    }
  }
  const done = await reportStates(context, 'serving', () =>
    client.zotbar.config.restore(id === undefined ? {} : { id }),
  )
  if (!done.ok) return out.failure(done.error)
  const { keptAs, failure } = done.value
  out.object(done.value)
  const kept = keptAs === undefined ? '' : ` The text from before is in ${keptAs}.`
  out.line(`${file} is the one of ${exactMoment(at)} again.${kept}`)
  if (failure === undefined) return exitCode.done
  return out.json ? exitCode.failed : out.failure(failure)
}
