import { describe, expect, it } from 'vitest'
import type { LoginAgent, LoginState } from '../../../main/login-agent.ts'
import { createLoginSwitch } from '../../../main/login-switch.ts'

function start(kind: LoginState['kind'], wanted: boolean) {
  let state: LoginState = { kind }
  const calls: string[] = []
  const become = (name: string, next: LoginState) => async () => {
    calls.push(name)
    state = next
    return { ok: true, state } as const
  }
  const agent: LoginAgent = {
    state: async () => state,
    enable: become('enable', { kind: 'on' }),
    disable: become('disable', { kind: 'off' }),
    handOver: async () => false,
  }
  const login = createLoginSwitch({ agent, isWanted: () => wanted, log: () => {} })
  return { login, calls }
}

describe('the login agent and its setting', () => {
  it.each([
    ['off', false, []],
    ['off', true, ['enable']],
    ['on', true, []],
    ['on', false, []],
    ['disabled', true, []],
    ['unavailable', true, []],
  ] as const)('at the start, with the agent %s and the wish %s', async (kind, wanted, expected) => {
    const { login, calls } = start(kind, wanted)
    await login.begin()
    expect(calls).toEqual(expected)
  })

  it.each([
    ['off', true, ['enable']],
    ['disabled', true, ['enable']],
    ['on', true, []],
    ['on', false, ['disable']],
    ['disabled', false, ['disable']],
    ['off', false, []],
    ['unavailable', true, []],
  ] as const)(
    'when the setting changes, with the agent %s and the wish %s',
    async (kind, wanted, expected) => {
      const { login, calls } = start(kind, wanted)
      await Promise.all([login.apply(), login.apply()])
      expect(calls).toEqual(expected)
    },
  )
})
