import { serialQueue } from '../lib/serial-queue.ts'
import type { LoginAgent, LoginResult, LoginState } from './login-agent.ts'

export interface LoginSwitch {
  /** The state that was read last; `unavailable` before the first reading. */
  state(): LoginState
  /** Adds or removes the agent. Calls run one after another, and a repeated one changes nothing. */
  apply(isWanted: boolean): Promise<LoginResult>
  /** Reads the state at the start of the app. */
  begin(): Promise<void>
  /**
   * Takes the `startAtLogin` setting as the core has it, at each snapshot. The first time it adds the agent where it was
   * asked for while no menu bar ran, and never removes one, because a settings file that was lost is no request to do so.
   */
  follow(isWanted: boolean): Promise<void>
  /** Calls back after every reading of the state; one listener. */
  onChange(listener: () => void): void
}

interface Options {
  agent: LoginAgent
  log(message: string): void
}

/** Makes the login agent follow the `startAtLogin` setting. */
export function createLoginSwitch({ agent, log }: Options): LoginSwitch {
  let state: LoginState = { kind: 'unavailable' }
  let known: boolean | undefined
  let changed = (): void => {}
  const queue = serialQueue()

  async function applySetting(on: boolean): Promise<LoginResult> {
    const now = await agent.state()
    const isApplied = now.kind === 'unavailable' || (on ? now.kind === 'on' : now.kind === 'off')
    const result: LoginResult = isApplied
      ? { ok: true, state: now }
      : await (on ? agent.enable() : agent.disable())
    state = result.ok ? result.state : await agent.state()
    if (!result.ok) log(`Start at login was not changed: ${result.reason}`)
    changed()
    return result
  }

  const apply = (isWanted: boolean): Promise<LoginResult> => queue.run(() => applySetting(isWanted))

  return {
    state: () => state,
    apply,
    async begin() {
      state = await agent.state()
      changed()
    },
    async follow(isWanted) {
      const before = known
      known = isWanted
      if (before === isWanted || (before === undefined && !isWanted)) return
      if (before === undefined && (await agent.state()).kind !== 'off') return
      await apply(isWanted)
    },
    onChange(listener) {
      changed = listener
    },
  }
}
