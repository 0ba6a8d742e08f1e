import type { WebContents } from 'electron'
import { contract } from '../contract/contract.ts'
import { commandNames } from '../contract/dispatch.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { OpenTarget } from '../contract/shell.ts'
import type { AgreedCall } from './agreement.ts'
import type { ElectronApi } from './electron-api.ts'
import type { SecretClipboard } from './secret-clipboard.ts'

interface Deps {
  electron: Pick<ElectronApi, 'app' | 'BrowserWindow'>
  call: AgreedCall
  secrets: Pick<SecretClipboard, 'copy'>
  open(target: OpenTarget): Promise<Result<null>>
}

export type PageCall = (name: string, input: unknown, page: WebContents) => Promise<Result<unknown>>

/**
 * Does a command of a page: what needs its own screen here, all else at the core, which says what a page may. Unknown
 * names go nowhere.
 */
export function createPageCall({ electron, call, secrets, open }: Deps): PageCall {
  const known = new Set(commandNames())

  return async (name, input, page) => {
    if (!known.has(name)) return fail({ code: 'unknown-command', name: name.slice(0, 100) })
    switch (name) {
      case 'app.open': {
        const read = contract.app.open.parse(input ?? {})
        return read.ok ? open(read.value.what) : read
      }
      case 'app.quit':
        // The page is gone before its answer otherwise.
        setImmediate(() => electron.app.quit())
        return ok(null)
      case 'keys.copySecret': {
        const read = contract.keys.copySecret.parse(input ?? {})
        if (!read.ok) return read
        secrets.copy(read.value.secret)
        return ok(null)
      }
      default: {
        const parent = electron.BrowserWindow.fromWebContents(page) ?? undefined
        return call(name, input ?? {}, 'page', { parent })
      }
    }
  }
}
