import { expect, it } from 'vitest'
import { dispatch } from '../../../contract/contract.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { ok } from '../../../contract/result.ts'
import { createHandlers } from '../../../core/app/handlers.ts'

const credential = { user: 'admin', password: 'word' }
const unused = {} as never
const handlers = createHandlers({
  supervisor: unused,
  settings: unused,
  images: unused,
  keys: unused,
  admin: { show: async () => ok(credential), reset: async () => ok(credential) },
  data: { accept: async () => ok({} as never), show: unused },
  checkFolder: unused,
  runbooks: unused,
  rotation: { keys: {} } as never,
  notices: { keys: {} } as never,
  busyWith: () => undefined,
  ready: unused,
  snapshot: unused,
  tail: unused,
  capabilities: unused,
})

it.each(['admin.show', 'admin.reset'])('%s gives the password to the command line alone', async name => {
  expect(await dispatch(handlers, name, {}, 'cli')).toEqual({ ok: true, value: credential })
  for (const caller of ['window', 'dashboard'] as const) {
    const refused = await dispatch(handlers, name, {}, caller)
    expect(refused).toEqual({ ok: false, error: { code: 'not-authorised', reason: 'wrong-sender' } })
    expect(JSON.stringify(refused)).not.toContain('word')
  }
})

it('another data folder is accepted by the command line and a native question, never over HTTP', async () => {
  expect(await dispatch(handlers, 'data.accept', {}, 'cli')).toMatchObject({ ok: true })
  expect(await dispatch(handlers, 'data.accept', {}, 'dashboard')).toEqual({
    ok: false,
    error: { code: 'not-authorised', reason: 'wrong-sender' },
  })
})

it.each([
  [{ repository: '../x', reference: '1' }],
  [{ repository: 'a/b', reference: '../../x' }],
  [{ repository: 'a b', reference: '1' }],
  [{ repository: 'a?x=1', reference: '1' }],
  [{ repository: 'a', reference: 'sha256:short' }],
  [{ repository: 'a', reference: '1', more: true }],
])('an image named %j reaches no handler', async input => {
  expect(await dispatch(handlers, 'images.delete', input, 'dashboard')).toMatchObject({
    error: { code: 'bad-input' },
  })
})

it('every refusal says what to do', () => {
  for (const error of [
    { code: 'registry-denied', what: 'delete a:1', status: 403, user: 'admin' },
    { code: 'keys-need-admin-socket', engine: 'zot' },
    { code: 'admin-not-ours', configFile: '/c' },
    { code: 'secret-gone', uuid: 'u' },
  ] as const) {
    const { title, steps } = failureMessage(error)
    expect(title).not.toBe('')
    expect(steps.length).toBeGreaterThan(0)
  }
})
