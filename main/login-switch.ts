import { serialQueue } from '../lib/serial-queue.ts'
import type { LoginAgent, LoginResult, LoginState } from './login-agent.ts'

export interface LoginSwitch {
  /** The state that was read last; `unavailable` before the first reading. */
  state(): LoginState
  /** Adds or removes the agent as the setting says. Calls run one after another, and a repeated one changes nothing. */
  apply(): Promise<LoginResult>
  /**
   * At the start of the app: adds the agent where it was asked for while no menu bar ran. It never removes
   * one, because a settings file that was lost is no request to do so.
   */
  begin(): Promise<void>
  /** Calls back after every reading of the state; one listener. */
  onChange(listener: () => void): void
}

interface Options {
  agent: LoginAgent
  /** The `startAtLogin` setting, false unless the user turned it on. */
  isWanted(): boolean
  log(message: string): void
}

/** Makes the login agent follow the `startAtLogin` setting. */
export function createLoginSwitch({ agent, isWanted, log }: Options): LoginSwitch {
  let state: LoginState = { kind: 'unavailable' }
  let changed = (): void => {}
  const queue = serialQueue()

  async function applySetting(): Promise<LoginResult> {
    const now = await agent.state()
    const on = isWanted()
    const isApplied = now.kind === 'unavailable' || (on ? now.kind === 'on' : now.kind === 'off')
    const result: LoginResult = isApplied
      ? { ok: true, state: now }
      : await (on ? agent.enable() : agent.disable())
    state = result.ok ? result.state : await agent.state()
    if (!result.ok) log(`Start at login was not changed: ${result.reason}`)
    changed()
    return result
  }

  const apply = (): Promise<LoginResult> => queue.run(applySetting)

  return {
    state: () => state,
    apply,
    async begin() {
      state = await agent.state()
      if (state.kind === 'off' && isWanted()) await apply()
      else changed()
    },
    onChange(listener) {
      changed = listener
    },
  }
}
