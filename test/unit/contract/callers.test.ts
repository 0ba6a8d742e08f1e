import { describe, expect, it } from 'vitest'
import { callersOf, commandNames, dispatch, needsAgreement } from '../../../contract/dispatch.ts'
import type { Failure } from '../../../contract/failure.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import type { Notice } from '../../../contract/snapshot.ts'
import { everyCaller, inputs, mayCall } from '../../fakes/every-command.ts'
import { fakeHost } from '../../fakes/host.ts'

describe('every command', () => {
  it('is in the test, with an input that it takes', () => {
    expect(Object.keys(inputs).sort()).toEqual(commandNames().sort())
  })

  it.each(commandNames())('%s reaches its handler from those callers alone who may call it', async name => {
    const host = fakeHost()
    const got = []
    for (const caller of everyCaller) {
      const answer = await dispatch(host.handlers, name, inputs[name], caller)
      if (answer.ok || answer.error.code !== 'not-authorised') got.push(caller)
    }
    expect(got).toEqual(everyCaller.filter(caller => mayCall(caller, name)))
    expect(host.calls.map(({ caller }) => caller)).toEqual(got)
    expect([...callersOf(name)]).toEqual(got)
  })

  it('is refused before its input is read, so a refusal tells nothing about it', async () => {
    expect(await dispatch(fakeHost().handlers, 'admin.show', { nonsense: 1 }, 'page')).toMatchObject({
      error: { code: 'not-authorised', reason: 'wrong-sender' },
    })
  })
})

it.each([
  ['page', 'data.accept', 'needs-agreement'],
  ['app', 'engine.use', 'needs-agreement'],
  ['looking', 'images.delete', 'needs-full-session'],
  ['looking', 'engine.use', 'needs-full-session'],
  ['full', 'keys.showSecret', 'wrong-sender'],
  ['page', 'admin.show', 'wrong-sender'],
] as const)('%s is told what %s needs: %s', async (caller, name, reason) => {
  const refused = await dispatch(fakeHost().handlers, name, inputs[name], caller)
  expect(refused).toEqual({ ok: false, error: { code: 'not-authorised', reason } })
  expect(failureMessage({ code: 'not-authorised', reason }).steps.join('')).not.toBe('')
})

it('names what a page gets only after a native question', () => {
  expect(commandNames().filter(needsAgreement)).toEqual([
    'data.accept',
    'config.restore',
    'keys.showSecret',
    'engine.use',
  ])
})

it.each([
  [{ repository: '../x', reference: '1' }],
  [{ repository: 'a/b', reference: '../../x' }],
  [{ repository: 'a b', reference: '1' }],
  [{ repository: 'a?x=1', reference: '1' }],
  [{ repository: 'a', reference: '..' }],
  [{ repository: 'a', reference: '.%2E' }],
  [{ repository: 'a', reference: 'x?y' }],
  [{ repository: 'a', reference: 'x\n' }],
  [{ repository: 'a', reference: '1', more: true }],
])('an image named %j reaches no handler', async input => {
  const host = fakeHost()
  expect(await dispatch(host.handlers, 'images.delete', input, 'full')).toMatchObject({
    error: { code: 'bad-input' },
  })
  expect(host.calls).toEqual([])
})

it('every refusal says what to do', () => {
  for (const error of [
    { code: 'registry-denied', what: 'delete a:1', status: 403, user: 'admin' },
    { code: 'keys-need-admin-socket', engine: 'zot' },
    { code: 'admin-not-ours', configFile: '/c' },
    { code: 'secret-gone', uuid: 'u' },
    { code: 'other-contract', ours: 1, theirs: 2, version: '0.1.0', pid: 7 },
    { code: 'core-older', pid: 7, home: '/h' },
    { code: 'already-answered', by: 'an app (process 7)' },
    { code: 'shell-gone' },
    { code: 'no-screen', missing: 'sign-in' },
  ] as const) {
    const { title, steps } = failureMessage(error)
    expect(title).not.toBe('')
    expect(steps.length).toBeGreaterThan(0)
  }
})

it('a failure or a notice of a newer core is told, not an end of this program', () => {
  expect(failureMessage({ code: 'from-the-future' } as unknown as Failure).title).toContain('from-the-future')
  const notice = { kind: 'from-the-future', id: 'x', at: 1 } as unknown as Notice
  expect(noticeMessage(notice)).toMatchObject({ needsAttention: false })
})
