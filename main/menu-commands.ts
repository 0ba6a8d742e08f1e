import type { ZotbarClient } from '../contract/contract.ts'
import { asksNatively, type StatusVerb } from '../contract/messages/summary.ts'
import { type Result, unreachable } from '../contract/result.ts'
import type { OpenTarget } from '../contract/shell.ts'
import type { AgreedCall } from './agreement.ts'
import type { ElectronApi } from './electron-api.ts'
import type { LoginSwitch } from './login-switch.ts'
import type { MenuCommand } from './menu.ts'
import type { Questions } from './questions.ts'

interface Deps {
  electron: Pick<ElectronApi, 'app' | 'clipboard'>
  /** Calls the core for the app itself. */
  zotbar: ZotbarClient
  /** Asks natively first. */
  call: AgreedCall
  startCore(): void
  questions: Questions
  login: LoginSwitch
  open(target: OpenTarget): Promise<Result<null>>
}

/** Returns what performs a row of the tray's menu, and shows a failure in a dialog. */
export function createMenuCommands(deps: Deps): (command: MenuCommand) => Promise<void> {
  const { electron, zotbar, call, startCore, questions, login, open } = deps

  async function showIfFailed(result: Result<unknown>): Promise<void> {
    if (!result.ok) await questions.showFailure(result.error)
  }

  async function setLogin(on: boolean): Promise<void> {
    const set = await zotbar.settings.set({ key: 'startAtLogin', value: on })
    if (!set.ok) return questions.showFailure(set.error)
    const result = await login.apply(on)
    if (!result.ok) return questions.show({ title: 'Start at login was not changed', body: result.reason })
    if (result.state.kind === 'disabled')
      await questions.show({
        title: 'macOS does not start Zotbar at login',
        body: 'It is turned off in System Settings > General > Login Items. Turn it on there.',
      })
  }

  /** Runs the command that a verb of the status summary stands for. */
  function registryVerb(verb: Exclude<StatusVerb, 'show-keys'>): Promise<Result<unknown>> {
    switch (verb) {
      case 'start':
      case 'try-again':
      case 'check-again':
        return zotbar.registry.start({})
      case 'stop':
        return zotbar.registry.stop({})
      case 'restart':
        return zotbar.registry.restart({ now: false })
      case 'restart-now':
        return zotbar.registry.restart({ now: true })
      case 'cancel':
        return zotbar.registry.cancel({})
      case 'look-again':
        return zotbar.registry.lookAgain({})
      case 'use-zot':
        return call('engine.use', { engine: 'zot', yes: true }, 'app')
      case 'use-zotbar-registry':
        return call('engine.use', { engine: 'zotbar-registry', yes: true }, 'app')
      case 'use-last-config':
        return call('config.restore', {}, 'app')
      default:
        return unreachable(verb)
    }
  }

  return async command => {
    switch (command.do) {
      case 'copy':
        return electron.clipboard.writeText(command.text)
      case 'registry': {
        const { verb, question } = command
        if (verb === 'show-keys') return showIfFailed(await open('keys'))
        if (asksNatively(verb)) {
          const begun = await registryVerb(verb)
          return begun.ok || begun.error.code !== 'cancelled' ? showIfFailed(begun) : undefined
        }
        if (question && !(await questions.confirm(question))) return
        return showIfFailed(await registryVerb(verb))
      }
      case 'open':
        return showIfFailed(await open(command.target))
      case 'login':
        return setLogin(command.on)
      case 'start-core':
        return startCore()
      case 'quit':
        return electron.app.quit()
      default:
        return unreachable(command)
    }
  }
}
