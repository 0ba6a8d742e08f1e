import type { ZotbarHandlers } from '../contract/contract.ts'
import type { Host } from '../contract/host.ts'
import { asksNatively, type StatusVerb } from '../contract/messages/summary.ts'
import { type Result, unreachable } from '../contract/result.ts'
import type { OpenTarget } from '../contract/shell.ts'
import type { ElectronApi } from './electron-api.ts'
import type { LoginSwitch } from './login-switch.ts'
import type { MenuCommand } from './menu.ts'
import type { Questions } from './questions.ts'

interface Deps {
  electron: Pick<ElectronApi, 'app' | 'clipboard'>
  host: Host
  /** The handlers that ask for a native confirmation. */
  handlers: ZotbarHandlers
  questions: Questions
  login: LoginSwitch
  open(target: OpenTarget): Promise<Result<null>>
}

/** Returns what performs a row of the tray's menu, and shows a failure in a dialog. */
export function createMenuCommands(deps: Deps): (command: MenuCommand) => Promise<void> {
  const { electron, host, handlers, questions, login, open } = deps

  async function showIfFailed(result: Result<unknown>): Promise<void> {
    if (!result.ok) await questions.showFailure(result.error)
  }

  async function setLogin(on: boolean): Promise<void> {
    const set = await host.handlers.settings.set({ key: 'startAtLogin', value: on }, 'app')
    if (!set.ok) return questions.showFailure(set.error)
    const result = await login.apply()
    if (!result.ok) return questions.show({ title: 'Start at login was not changed', body: result.reason })
    if (result.state.kind === 'disabled')
      await questions.show({
        title: 'macOS does not start Zotbar at login',
        body: 'It is turned off in System Settings > General > Login Items. Turn it on there.',
      })
  }

  return async command => {
    switch (command.do) {
      case 'copy':
        return electron.clipboard.writeText(command.text)
      case 'registry': {
        const { verb, question } = command
        if (verb === 'show-keys') return showIfFailed(await open('keys'))
        if (asksNatively(verb)) {
          const begun = await registryVerb(handlers, verb)
          return begun.ok || begun.error.code !== 'cancelled' ? showIfFailed(begun) : undefined
        }
        if (question && !(await questions.confirm(question))) return
        return showIfFailed(await registryVerb(handlers, verb))
      }
      case 'open':
        return showIfFailed(await open(command.target))
      case 'login':
        return setLogin(command.on)
      case 'quit':
        return electron.app.quit()
      default:
        return unreachable(command)
    }
  }
}

/** Runs the command that a verb of the status summary stands for. */
function registryVerb(
  handlers: ZotbarHandlers,
  verb: Exclude<StatusVerb, 'show-keys'>,
): Promise<Result<unknown>> {
  switch (verb) {
    case 'start':
    case 'try-again':
    case 'check-again':
      return handlers.registry.start({}, 'app')
    case 'stop':
      return handlers.registry.stop({}, 'app')
    case 'restart':
      return handlers.registry.restart({ now: false }, 'app')
    case 'restart-now':
      return handlers.registry.restart({ now: true }, 'app')
    case 'cancel':
      return handlers.registry.cancel({}, 'app')
    case 'look-again':
      return handlers.registry.lookAgain({}, 'app')
    case 'use-zot':
      return handlers.engine.use({ engine: 'zot', yes: true, dryRun: false }, 'agreed')
    case 'use-zotbar-registry':
      return handlers.engine.use({ engine: 'zotbar-registry', yes: true, dryRun: false }, 'agreed')
    default:
      return unreachable(verb)
  }
}
