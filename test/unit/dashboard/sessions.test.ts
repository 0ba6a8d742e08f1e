import { describe, expect, it } from 'vitest'
import { sessions } from '../../../core/dashboard/sessions.ts'

const limits = { tokenMs: 600_000, idleMs: 3_600_000, tokens: 3, sessions: 2 }

function setUp() {
  let now = 1_000_000
  let dice = 0
  const known = sessions(
    {
      now: () => now,
      randomBytes: count => {
        dice += 1
        return Buffer.alloc(count, dice)
      },
    },
    limits,
  )
  const signIn = (): string => known.redeem(known.createToken()) ?? ''
  return {
    known,
    signIn,
    pass: (ms: number) => {
      now += ms
    },
  }
}

describe('one-time tokens', () => {
  it('are 32 bytes as base64url and good once', () => {
    const { known } = setUp()
    const token = known.createToken()
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    const session = known.redeem(token) ?? ''
    expect(known.check(session)).toBe(true)
    expect(known.redeem(token)).toBeUndefined()
    expect(known.check(session)).toBe(true)
  })

  it('expire after ten minutes', () => {
    const { known, pass } = setUp()
    const early = known.createToken()
    pass(599_999)
    expect(known.redeem(early)).toBeDefined()
    const late = known.createToken()
    pass(600_000)
    expect(known.redeem(late)).toBeUndefined()
  })

  it('are bounded: the oldest goes', () => {
    const { known } = setUp()
    const first = known.createToken()
    const later = [known.createToken(), known.createToken(), known.createToken()]
    expect(known.redeem(first)).toBeUndefined()
    for (const token of later) expect(known.redeem(token)).toBeDefined()
  })

  it('are not sessions, and sessions are not tokens', () => {
    const { known, signIn } = setUp()
    expect(known.check(known.createToken())).toBe(false)
    expect(known.redeem(signIn())).toBeUndefined()
    expect(known.check('')).toBe(false)
    expect(known.redeem('')).toBeUndefined()
  })
})

describe('sessions', () => {
  it('end when idle, and use keeps them', () => {
    const { known, signIn, pass } = setUp()
    const session = signIn()
    pass(3_599_999)
    expect(known.check(session)).toBe(true)
    pass(3_599_999)
    expect(known.check(session)).toBe(true)
    pass(3_600_000)
    expect(known.check(session)).toBe(false)
  })

  it('do not age while an event stream is open', () => {
    const { known, signIn, pass } = setUp()
    const session = signIn()
    const release = known.hold(session)
    pass(100_000_000)
    expect(known.check(session)).toBe(true)
    pass(100_000_000)
    release()
    release()
    pass(3_599_999)
    expect(known.check(session)).toBe(true)
    pass(3_600_000)
    expect(known.check(session)).toBe(false)
  })

  it('are bounded: the one used longest ago goes', () => {
    const { known, signIn, pass } = setUp()
    const first = signIn()
    pass(1)
    const second = signIn()
    pass(1)
    known.check(first)
    pass(1)
    const third = signIn()
    expect([first, second, third].map(known.check)).toEqual([true, false, true])
  })
})
