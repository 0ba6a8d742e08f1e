import { expect, it } from 'vitest'
import { ok } from '../../../contract/result.ts'
import type { SignInOffer } from '../../../contract/runbook.ts'
import { createKeyStep } from '../../../core/rotation/create-steps.ts'
import type { GivenKey, RotateContext, RotationDeps } from '../../../core/rotation/deps.ts'
import type { Question } from '../../../core/runbook/step.ts'
import { fakeClock } from '../../fakes/clock.ts'

const user = 'zot-ci'
const created = { uuid: 'u', createdAt: '2026-03-01T12:00:00Z', expirationDate: null }
const day = 86_400_000

interface Case {
  leaked?: boolean
  yes?: boolean
  /** Whether the key in use works, and whether the engine has an administration socket. */
  works?: boolean
  admin?: boolean
  /** How long a key lives that the key in use creates, days; absent: for ever, as it is never cut by zot. */
  ownLife?: number
  offer?: SignInOffer
}

/** Which ways were tried, what was asked, and how the key came about. */
async function way({ leaked = false, yes = false, works = false, admin = false, ownLife, offer }: Case) {
  const kept = new Map([['current', 'zak_old']])
  const tried: string[] = []
  const asked: Question[] = []
  const made = { ...created, secret: 'zak_new' }
  const clock = fakeClock()
  const cut = ownLife === undefined ? null : new Date(clock.now() + ownLife * day).toISOString()
  const progressed: string[] = []
  let given: GivenKey | undefined
  const deps = {
    clock,
    client: {
      listOwn: async () => ok([]),
      create: async () => {
        tried.push('the key itself')
        return ok(works ? { ...made, expirationDate: cut } : 'refused')
      },
      revoke: async (_: unknown, uuid: string) => {
        tried.push(`revoked ${uuid}`)
        return ok([])
      },
      listAll: async () => (admin ? ok([]) : undefined),
      createFor: async () => {
        tried.push('administration')
        return ok(made)
      },
    },
    store: {
      get: async (_: unknown, slot: string) => ok(kept.get(slot)),
      set: async (_: unknown, slot: string, value: string) => {
        kept.set(slot, value)
        return ok(null)
      },
      delete: async () => ok(null),
    },
    records: { update: async () => ok(null) },
    signIn: () => offer,
    takeGivenKey: () => given,
  } as unknown as RotationDeps
  const context = {
    memory: {
      registry: 'r',
      user,
      label: 'zotbar/here/1',
      days: 90,
      leaked,
      yes,
      old: { uuid: 'o', label: 'old', createdAt: '', expirationDate: null, scopes: [] },
    },
    progress: ({ label }: { label: string }) => void progressed.push(label),
    ask: async (question: Question) => {
      asked.push(question)
      tried.push('a person')
      given = { ...made, how: 'by signing in as zot-ci' }
      return true
    },
  } as unknown as RotateContext
  expect(await createKeyStep(deps).apply(context)).toMatchObject({ ok: true })
  return { tried, asked, progressed, how: context.memory.minted?.how }
}
const inWindow: SignInOffer = { user, inWindow: true }
const byBrowser: SignInOffer = { user, url: 'http://127.0.0.1:5050/user/apikey' }

it.each<[string, Case, string[]]>([
  [
    'the administration, where there is one',
    { works: true, admin: true, offer: inWindow },
    ['administration'],
  ],
  ['the key in use, where there is none', { works: true, offer: inWindow }, ['the key itself']],
  ['the key in use, where it ends minutes earlier', { works: true, ownLife: 89.98 }, ['the key itself']],
  [
    'a person, where what the key in use makes ends with it',
    { works: true, ownLife: 80, offer: byBrowser },
    ['the key itself', 'revoked u', 'a person'],
  ],
  ['a person', { offer: byBrowser }, ['the key itself', 'a person']],
  ['for a leaked one, the administration', { leaked: true, works: true, admin: true }, ['administration']],
  ['for a leaked one, a person', { leaked: true, works: true }, ['a person']],
  [
    'for a leaked one with --yes, who sits before a window',
    { leaked: true, yes: true, works: true, offer: inWindow },
    ['a person'],
  ],
  [
    'for a leaked one with --yes, where nobody does, that one',
    { leaked: true, yes: true, works: true, offer: byBrowser },
    ['the key itself'],
  ],
])('a new key comes from %s', async (_, given, expected) => {
  expect((await way(given)).tried).toEqual(expected)
})

it('says why another way is taken, and not that zot has no administration', async () => {
  expect((await way({ works: true })).progressed).toEqual([])
  expect((await way({ works: true, ownLife: 1 })).progressed).toEqual([
    'Another way is taken, as what the key in use creates here ends with it',
  ])
})

it('the question says how to sign in, and the run remembers that it was so', async () => {
  const { asked, how } = await way({ offer: byBrowser })
  expect(asked).toMatchObject([{ wants: { keyOf: user }, signIn: byBrowser }])
  expect(how).toBe('by signing in as zot-ci')
  expect((await way({})).asked[0]).not.toHaveProperty('signIn')
})
