import { serialQueue } from '../core/platform/serial-queue.ts'
import type { LoginAgent, LoginResult, LoginState } from './login-agent.ts'

export interface LoginSwitch {
  /** As last read; `unavailable` before the first reading. */
  state(): LoginState
  /** Makes the agent follow the setting. One at a time; doing it again changes nothing. */
  apply(): Promise<LoginResult>
  /**
   * At the start of the app: adds the agent where it was asked for while no menu bar ran. It never removes
   * one: a settings file that was lost is not a wish.
   */
  begin(): Promise<void>
}

interface Options {
  agent: LoginAgent
  /** The `startAtLogin` setting: the user's own wish, false unless it was asked for. */
  wanted(): boolean
  changed(): void
  log(words: string): void
}

/** Keeps the login agent and the setting that asks for it together. */
export function createLoginSwitch({ agent, wanted, changed, log }: Options): LoginSwitch {
  let state: LoginState = { kind: 'unavailable' }
  const queue = serialQueue()

  async function follow(): Promise<LoginResult> {
    const now = await agent.state()
    const on = wanted()
    const settled = now.kind === 'unavailable' || (on ? now.kind === 'on' : now.kind === 'off')
    const result: LoginResult = settled
      ? { ok: true, state: now }
      : await (on ? agent.enable() : agent.disable())
    state = result.ok ? result.state : await agent.state()
    if (!result.ok) log(`Start at login was not changed: ${result.reason}`)
    changed()
    return result
  }

  const apply = (): Promise<LoginResult> => queue.run(follow)

  return {
    state: () => state,
    apply,
    async begin() {
      state = await agent.state()
      if (state.kind === 'off' && wanted()) await apply()
      else changed()
    },
  }
}
