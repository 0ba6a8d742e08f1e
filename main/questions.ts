import type { BrowserWindow } from 'electron'
import type { Failure } from '../contract/failure.ts'
import type { Question } from '../contract/messages/choice-message.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import type { ElectronApi } from './electron-api.ts'

/** For whom a question is asked. */
export interface Asker {
  /** The window whose page asked; without one the main window is opened first. */
  parent?: BrowserWindow | undefined
  /** Aborted: nobody needs the answer any more. */
  signal?: AbortSignal
}

export interface Questions {
  /** True when the user chose the button that repeats the verb; Cancel is the default, and what a closed window means. */
  confirm(question: Question, asker?: Asker): Promise<boolean>
  show(message: { title: string; body: string }, asker?: Asker): Promise<void>
  showFailure(error: Failure, asker?: Asker): Promise<void>
  /** Whether a question stands on this window, which must not be hidden then. */
  standsOn(window: BrowserWindow): boolean
}

interface Options {
  electron: Pick<ElectronApi, 'app' | 'dialog'>
  platform: NodeJS.Platform
  /** Opens the main window; resolves once it is on the screen. */
  openWindow(): Promise<BrowserWindow | undefined>
  log(message: string): void
}

interface Box {
  type: 'info' | 'warning'
  message: string
  detail: string
  buttons: string[]
}

/** Cancel, or the only button. */
const first = 0

/**
 * Native dialogs: what a page could draw, a page could also fake. Always with a parent window: without one macOS stops
 * the whole process until somebody answers.
 */
export function createQuestions({ electron, platform, openWindow, log }: Options): Questions {
  const { app, dialog } = electron
  const standing = new Map<BrowserWindow, number>()

  async function parentOf(asker: Asker): Promise<BrowserWindow | undefined> {
    const { parent } = asker
    return parent !== undefined && !parent.isDestroyed() && parent.isVisible() ? parent : openWindow()
  }

  /** Returns the index of the button. */
  async function ask(box: Box, asker: Asker): Promise<number> {
    if (asker.signal?.aborted) return first
    // An app without a Dock icon is not brought to the front by its questions, and one that is hidden shows no window.
    if (platform === 'darwin') app.focus({ steal: true })
    const parent = await parentOf(asker)
    if (parent === undefined) log(`No window could be opened to ask: ${box.message}`)
    if (parent === undefined || asker.signal?.aborted) return first
    const withdrawn = Promise.withResolvers<number>()
    const abort = new AbortController()
    const withdraw = (): void => {
      abort.abort()
      withdrawn.resolve(first)
    }
    parent.once('closed', withdraw)
    asker.signal?.addEventListener('abort', withdraw)
    standing.set(parent, (standing.get(parent) ?? 0) + 1)
    try {
      const answered = dialog
        .showMessageBox(parent, { ...box, defaultId: first, cancelId: first, signal: abort.signal })
        .then(({ response }) => response)
      return await Promise.race([answered, withdrawn.promise])
    } finally {
      parent.off('closed', withdraw)
      asker.signal?.removeEventListener('abort', withdraw)
      standing.set(parent, (standing.get(parent) ?? 1) - 1)
      if (standing.get(parent) === 0) standing.delete(parent)
    }
  }

  const show: Questions['show'] = async ({ title, body }, asker = {}) => {
    await ask({ type: 'info', message: title, detail: body, buttons: ['OK'] }, asker)
  }
  return {
    async confirm({ title, body, diff, confirm }, asker = {}) {
      const detail = diff === undefined ? body : `${body}\n\n${diff}`
      const box: Box = { type: 'warning', message: title, detail, buttons: ['Cancel', confirm] }
      return (await ask(box, asker)) === 1
    },
    show,
    showFailure(error, asker) {
      const { title, steps } = failureMessage(error)
      return show({ title, body: steps.join('\n') }, asker)
    },
    standsOn: window => standing.has(window),
  }
}
