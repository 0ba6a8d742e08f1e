import type { ZotbarHandlers } from '../contract/contract.ts'
import type { Failure } from '../contract/failure.ts'
import { engineQuestion, type Question } from '../contract/messages/choice-message.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { figureText, findingText } from '../contract/messages/undecided-message.ts'
import { fail, ok } from '../contract/result.ts'
import type { ElectronApi } from './electron-api.ts'

export interface Questions {
  /** True when the user chose the button that repeats the verb; Cancel is the default. */
  confirm(question: Question): Promise<boolean>
  show(message: { title: string; body: string }): Promise<void>
  showFailure(error: Failure): Promise<void>
}

/** Native dialogs: what a page could draw, a page could also fake. */
export function createQuestions({ dialog }: Pick<ElectronApi, 'dialog'>): Questions {
  const show: Questions['show'] = async ({ title, body }) => {
    await dialog.showMessageBox({ type: 'info', message: title, detail: body, buttons: ['OK'] })
  }
  return {
    async confirm({ title, body, confirm }) {
      const { response } = await dialog.showMessageBox({
        type: 'warning',
        message: title,
        detail: body,
        buttons: ['Cancel', confirm],
        defaultId: 0,
        cancelId: 0,
      })
      return response === 1
    },
    show: show,
    showFailure(error) {
      const { title, steps } = failureMessage(error)
      return show({ title, body: steps.join('\n') })
    },
  }
}

/**
 * The handlers as a window gets them: a setting that names a program, command, host, file or URL is
 * changed only after a native confirmation. When it is declined, the answer is the value as it was. Another data
 * folder is accepted, and an engine chosen, in the same way: `cancelled` when it is declined.
 */
export function confirmedHandlers(handlers: ZotbarHandlers, questions: Questions): ZotbarHandlers {
  return {
    ...handlers,
    data: {
      ...handlers.data,
      async accept(input, caller) {
        const shown = await handlers.data.show({}, caller)
        if (!shown.ok) return shown
        const { found, was } = shown.value
        const agreed = await questions.confirm({
          title: 'Begin with this data folder?',
          body: [
            `Before: ${(was && figureText(was)) ?? 'not known'}${was?.folder === undefined ? '' : ` in ${was.folder}`}.`,
            `Now: ${findingText(found)}.`,
            'Clients find what is there now. Nothing is deleted anywhere.',
          ].join('\n'),
          confirm: 'Begin with it',
        })
        return agreed ? handlers.data.accept(input, caller) : fail({ code: 'cancelled' })
      },
    },
    engine: {
      ...handlers.engine,
      async use(input, caller) {
        if (input.dryRun) return handlers.engine.use(input, caller)
        const now = await handlers.app.snapshot({}, caller)
        if (!now.ok) return now
        const agreed = await questions.confirm(engineQuestion(input.engine, now.value.process))
        return agreed ? handlers.engine.use(input, caller) : fail({ code: 'cancelled' })
      },
    },
    settings: {
      ...handlers.settings,
      async set(input, caller) {
        const row = await handlers.settings.get({ key: input.key }, caller)
        if (!row.ok) return row
        if (row.value.via !== 'cli') return handlers.settings.set(input, caller)
        const wanted = input.value === null ? `its default, ${row.value.default}` : String(input.value)
        const agreed = await questions.confirm({
          title: `Change ${input.key}?`,
          body: `${row.value.words}\nNow: ${row.value.value}\nThen: ${wanted}`,
          confirm: 'Change',
        })
        if (!agreed) return ok({ key: input.key, value: row.value.value, takesEffect: row.value.how })
        // The user answered outside the page, so the change counts as made by hand.
        return handlers.settings.set(input, 'agreed')
      },
    },
  }
}
