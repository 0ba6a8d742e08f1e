import { describe, expect, it } from 'vitest'
import type { LoginAgent, LoginState } from '../../../main/login-agent.ts'
import { createLoginSwitch } from '../../../main/login-switch.ts'

function start(kind: LoginState['kind']) {
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
  const login = createLoginSwitch({ agent, log: () => {} })
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
    const { login, calls } = start(kind)
    await login.begin()
    await login.follow(wanted)
    await login.follow(wanted)
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
      const { login, calls } = start(kind)
      await Promise.all([login.apply(wanted), login.apply(wanted)])
      expect(calls).toEqual(expected)
    },
  )

  it('is followed from then on, both ways', async () => {
    const { login, calls } = start('off')
    for (const wanted of [false, true, true, false]) await login.follow(wanted)
    expect(calls).toEqual(['enable', 'disable'])
  })
})
