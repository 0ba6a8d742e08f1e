import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import type { SignInArrival, SignInCookie } from '../../../contract/sign-in.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { pushImage } from '../registry/client.ts'
import { basic, passwordOf, writeHtpasswd } from '../registry/people.ts'
import { chooseZot, createRotationRig, policies, type RotationRig } from './rotation-rig.ts'

/** An engine where nobody makes a key for another: its user has to sign in, at the screen of an app. */
let rig: RotationRig
let provider: LyingProvider
const user = 'zot-ci'

beforeAll(async () => {
  provider = await LyingProvider.start()
  rig = await createRotationRig()
  const oidc = {
    issuer: provider.issuer,
    clientid: client.id,
    clientsecret: client.secret,
    scopes: ['openid', 'email'],
  }
  const htpasswd = { path: writeHtpasswd(rig.data, user, 'pusher') }
  rig.configure({
    ...rig.standard,
    http: {
      ...rig.standard.http,
      auth: { htpasswd, openid: { providers: { oidc } } },
      accessControl: { repositories: policies },
    },
  })
  chooseZot(rig, placeZot(join(rig.folder, 'bin'), 'good'))
  await rig.serving()
  await pushImage(rig.asUser('pusher', passwordOf('pusher')), 'team/app', '1', 'one')
}, 60_000)
afterAll(async () => {
  await rig?.end()
  await provider?.stop()
})

/** Signs in by HTTP as the window of an app would; gives its cookies. */
async function signIn(email: string, url: string): Promise<SignInCookie[]> {
  provider.lies = { userInfo: { sub: '1', email } }
  const go = (to: string, cookie = '') =>
    fetch(new URL(to, rig.url), { redirect: 'manual', headers: { cookie } })
  const begun = await go(url)
  const state = begun.headers.getSetCookie().map(line => line.split(';')[0])
  const done = await go(provider.approve(begun.headers.get('location') ?? ''), state.join('; '))
  return done.headers.getSetCookie().map(line => {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=', 2)
    return { name, value }
  })
}

it('the app hands over cookies, the core makes the key of them, and neither writes them anywhere', {
  timeout: 90_000,
}, async () => {
  const made = await fetch(`${rig.url}/zot/auth/apikey`, {
    method: 'POST',
    headers: { authorization: basic(user) },
    body: JSON.stringify({ label: 'by hand' }),
  })
  const leaked: string = JSON.parse(await made.text()).apiKey
  const file = join(rig.folder, 'key')
  await rig.manage(leaked, `file:${file}`)

  const seen: SignInCookie[] = []
  const arrivals: SignInArrival[] = []
  const app = connectCore({
    socketPath: join(rig.home, 'control.sock'),
    home: rig.home,
    hello: clientHello('app'),
    offers: ['sign-in'],
    looking: false,
    clock: systemClock(),
    async onAsk({ request, arrived }) {
      if (request.kind !== 'sign-in') throw new Error(`asked for ${request.kind}`)
      for (const email of ['alice', user]) {
        const cookies = await signIn(email, request.url)
        seen.push(...cookies.filter(({ name }) => name === 'session'))
        arrivals.push(await arrived(cookies))
      }
      return undefined
    },
  })
  try {
    await eventually(() => app.state().kind === 'live')
    const begun = await app.as('page').keys.rotate({ user, leaked: true, yes: true, dryRun: false })
    if (!begun.ok || !('run' in begun.value)) throw new Error(JSON.stringify(begun))
    const { run } = begun.value
    const question = await eventually(() => app.snapshot()?.runbook?.question)
    expect(question).toMatchObject({ wants: { keyOf: user }, signIn: { user, inWindow: true } })
    // As the page of this app asks for it.
    expect(await app.as('page').keys.signIn({ question: question.id })).toEqual({ ok: true, value: null })
    await eventually(() => arrivals.length === 2)
    expect(arrivals).toEqual([
      { kind: 'wrong-user', user: 'alice' },
      { kind: 'ended', result: { ok: true, value: null } },
    ])
    const end = await eventually(async () => {
      const state = await rig.client.runbooks.state({ run, after: 0, waitMs: 500 })
      return state.ok && state.value.end
    }, 60_000)
    expect(end).toMatchObject({ result: 'done' })
    const shown = await rig.client.runbooks.show({ run })
    expect(shown).toMatchObject({ value: { by: 'window' } })
  } finally {
    app.close()
  }
  const key = readFileSync(file, 'utf8')
  expect(key).not.toBe(leaked)
  expect([await rig.letsIn(key), await rig.letsIn(leaked)]).toEqual([true, false])
  expect(seen).toHaveLength(2)
  const texts = rig.texts(rig.folder)
  expect(texts.some(({ file: name }) => name.endsWith('app.log'))).toBe(true)
  for (const { value } of seen)
    expect(texts.filter(({ text }) => text.includes(value)).map(({ file: name }) => name)).toEqual([])
})
