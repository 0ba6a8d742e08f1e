import { expect, it } from 'vitest'
import { ok } from '../../../contract/result.ts'
import type { SignInOffer } from '../../../contract/runbook.ts'
import { createKeyStep } from '../../../core/rotation/create-steps.ts'
import type { GivenKey, RotateContext, RotationDeps } from '../../../core/rotation/deps.ts'
import type { Question } from '../../../core/runbook/step.ts'
import { fakeClock } from '../../fakes/clock.ts'

const user = 'zot-ci'
const created = { uuid: 'u', createdAt: '2026-03-01T12:00:00Z', expirationDate: null }

interface Case {
  leaked?: boolean
  yes?: boolean
  /** Whether the key in use works, and whether the engine has an administration socket. */
  works?: boolean
  admin?: boolean
  offer?: SignInOffer
}

/** Which ways were tried, what was asked, and how the key came about. */
async function way({ leaked = false, yes = false, works = false, admin = false, offer }: Case) {
  const kept = new Map([['current', 'zak_old']])
  const tried: string[] = []
  const asked: Question[] = []
  const made = { ...created, secret: 'zak_new' }
  let given: GivenKey | undefined
  const deps = {
    clock: fakeClock(),
    client: {
      listOwn: async () => ok([]),
      create: async () => {
        tried.push('the key itself')
        return ok(works ? made : 'refused')
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
    progress: () => {},
    ask: async (question: Question) => {
      asked.push(question)
      tried.push('a person')
      given = { ...made, how: 'by signing in as zot-ci' }
      return true
    },
  } as unknown as RotateContext
  expect(await createKeyStep(deps).apply(context)).toMatchObject({ ok: true })
  return { tried, asked, how: context.memory.minted?.how }
}
const inWindow: SignInOffer = { user, inWindow: true }
const byBrowser: SignInOffer = { user, url: 'http://127.0.0.1:5050/user/apikey' }

it.each<[string, Case, string[]]>([
  ['the key in use', { works: true, admin: true, offer: inWindow }, ['the key itself']],
  ['the administration', { admin: true, offer: inWindow }, ['the key itself', 'administration']],
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

it('the question says how to sign in, and the run remembers that it was so', async () => {
  const { asked, how } = await way({ offer: byBrowser })
  expect(asked).toMatchObject([{ wants: { keyOf: user }, signIn: byBrowser }])
  expect(how).toBe('by signing in as zot-ci')
  expect((await way({})).asked[0]).not.toHaveProperty('signIn')
})
