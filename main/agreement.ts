import type { CoreConnection } from '../client/core-connection.ts'
import { contract } from '../contract/contract.ts'
import { thisMachine } from '../contract/messages/address-message.ts'
import { engineQuestion, openQuestion, type Question } from '../contract/messages/choice-message.ts'
import { lastConfigQuestion } from '../contract/messages/last-config-message.ts'
import { figureText, findingText } from '../contract/messages/undecided-message.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { Asker, Questions } from './questions.ts'

/** Calls a command for a page or for a row of the menu, after the native question that it needs, if any. */
export type AgreedCall = (
  name: string,
  input: unknown,
  caller: 'app' | 'page',
  asker?: Asker,
) => Promise<Result<unknown>>

interface Deps {
  core: Pick<CoreConnection, 'call' | 'as'>
  questions: Pick<Questions, 'confirm'>
}

/**
 * What the contract gives a page only after a native question: another data folder, another engine, another config.json,
 * the secret of a key, and a setting that names a program, command, host, file or URL. Declined: `cancelled`, and for a setting its value.
 */
export function createAgreedCall({ core, questions }: Deps): AgreedCall {
  const reader = core.as('app')

  async function agreed(name: string, input: unknown, question: Question, asker?: Asker) {
    return (await questions.confirm(question, asker))
      ? core.call(name, input, 'agreed')
      : fail({ code: 'cancelled' })
  }

  async function acceptFolder(name: string, input: unknown, asker?: Asker): Promise<Result<unknown>> {
    const shown = await reader.data.show({})
    if (!shown.ok) return shown
    const { found, was } = shown.value
    const body = [
      `Before: ${(was && figureText(was)) ?? 'not known'}${was?.folder === undefined ? '' : ` in ${was.folder}`}.`,
      `Now: ${findingText(found)}.`,
      'Clients find what is there now. Nothing is deleted anywhere.',
    ].join('\n')
    return agreed(
      name,
      input,
      { title: 'Begin with this data folder?', body, confirm: 'Begin with it' },
      asker,
    )
  }

  async function chooseEngine(name: string, input: unknown, asker?: Asker): Promise<Result<unknown>> {
    const read = contract.engine.use.parse(input)
    if (!read.ok) return read
    // A plan changes nothing, so there is nothing to ask.
    if (read.value.dryRun) return core.call(name, input, 'agreed')
    const now = await reader.app.snapshot({})
    return now.ok ? agreed(name, input, engineQuestion(read.value.engine, now.value.process), asker) : now
  }

  async function restoreConfig(name: string, asker?: Asker): Promise<Result<unknown>> {
    const last = await reader.config.last({})
    if (!last.ok) return last
    const { at, diff, id, file } = last.value
    if (diff === undefined) return fail({ code: 'no-other-config', file, at })
    return agreed(name, { id }, lastConfigQuestion({ at, diff }), asker)
  }

  async function showSecret(name: string, input: unknown, asker?: Asker): Promise<Result<unknown>> {
    const read = contract.keys.showSecret.parse(input)
    if (!read.ok) return read
    const question = {
      title: `Show the key of ${read.value.user}?`,
      body: 'Who sees it can sign in with it until it is revoked. It stands in the window until it is hidden.',
      confirm: 'Show',
    }
    return agreed(name, input, question, asker)
  }

  /** What is agreed to with this address, where the core waits for just that. */
  async function openingQuestion(address: string | number | boolean): Promise<Question | undefined> {
    const now = await reader.app.snapshot({})
    const open = now.ok && now.value.process.kind === 'undecided' ? now.value.process.open : undefined
    return now.ok && open?.address === address ? openQuestion(open, thisMachine(now.value)) : undefined
  }

  async function changeSetting(
    name: string,
    input: unknown,
    caller: 'app' | 'page',
    asker?: Asker,
  ): Promise<Result<unknown>> {
    const read = contract.settings.set.parse(input)
    if (!read.ok) return read
    const { key, value } = read.value
    const row = await reader.settings.get({ key })
    if (!row.ok) return row
    if (row.value.via !== 'cli') return core.call(name, input, caller)
    const wanted = value === null ? `its default, ${row.value.default}` : String(value)
    const opening = key === 'registry.open' && value !== null ? await openingQuestion(value) : undefined
    const question = opening ?? {
      title: `Change ${key}?`,
      body: `${row.value.words}\nNow: ${row.value.value}\nThen: ${wanted}`,
      confirm: 'Change',
    }
    if (await questions.confirm(question, asker)) return core.call(name, input, 'agreed')
    return ok({ key, value: row.value.value, takesEffect: row.value.how })
  }

  return async (name, input, caller, asker) => {
    switch (name) {
      case 'data.accept':
        return acceptFolder(name, input, asker)
      case 'engine.use':
        return chooseEngine(name, input, asker)
      case 'config.restore':
        return restoreConfig(name, asker)
      case 'keys.showSecret':
        return showSecret(name, input, asker)
      case 'settings.set':
        return changeSetting(name, input, caller, asker)
      default:
        return core.call(name, input, caller)
    }
  }
}
