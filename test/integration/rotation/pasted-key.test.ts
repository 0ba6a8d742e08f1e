import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import { fail } from '../../../contract/result.ts'
import type { RunbookEnd, RunbookLine, RunbookQuestion } from '../../../contract/runbook.ts'
import type { SignInArrival } from '../../../contract/sign-in.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { pushImage } from '../registry/client.ts'
import { basic, passwordOf, writeHtpasswd } from '../registry/people.ts'
import { startAppProcess } from '../transport/app-process.ts'
import { chooseZot, createRotationRig, policies, type RotationRig } from './rotation-rig.ts'

/** An engine without an administration socket: a key that does not work any more is replaced by a person's. */
let rig: RotationRig
let file = ''
/** With no right to push anything. */
const user = 'reader'
/** The value of a cookie that belongs into no file. */
const cookie = 'c00kie-of-a-browser'

const oidc = { issuer: 'http://127.0.0.1:9', clientid: 'a', clientsecret: 'b', scopes: ['openid', 'email'] }
beforeAll(async () => {
  rig = await createRotationRig()
  file = join(rig.folder, 'key')
  const htpasswd = { path: writeHtpasswd(rig.data, 'reader', 'pusher') }
  const auth = { htpasswd, openid: { providers: { oidc } } }
  rig.configure({
    ...rig.standard,
    http: { ...rig.standard.http, auth, accessControl: { repositories: policies } },
    extensions: { search: { enable: true }, ui: { enable: true } },
  })
  chooseZot(rig, placeZot(join(rig.folder, 'bin'), 'good'))
  await rig.serving()
  await pushImage(rig.asUser('pusher', passwordOf('pusher')), 'team/app', '1', 'one')
}, 60_000)
afterAll(() => rig?.end())

async function newKey(of: string): Promise<string> {
  const made = await fetch(`${rig.url}/zot/auth/apikey`, {
    method: 'POST',
    headers: { authorization: basic(of) },
    body: JSON.stringify({ label: 'by hand' }),
  })
  return JSON.parse(await made.text()).apiKey
}

/** Begins, and follows what it tells. */
async function rotate(how = { leaked: true, yes: false }) {
  const begun = await rig.client.keys.rotate({ user, ...how, dryRun: false })
  if (!begun.ok || !('run' in begun.value)) throw new Error(JSON.stringify(begun))
  const { run } = begun.value
  const told = async (): Promise<{ lines: RunbookLine[]; end?: RunbookEnd }> => {
    const state = await rig.client.runbooks.state({ run, after: 0, waitMs: 0 })
    if (!state.ok) throw new Error(JSON.stringify(state.error))
    return state.value
  }
  return {
    question: (id: string): Promise<RunbookQuestion> =>
      eventually(async () => (await told()).lines.find(line => line.question?.id === id)?.question),
    end: (): Promise<RunbookEnd> => eventually(async () => (await told()).end, 60_000),
  }
}

/** No app, one that is killed, and one that gets no further than the wrong cookies: the question stays open through all. */
async function signInMeanwhile(question: string): Promise<void> {
  const signIn = () => rig.client.keys.signIn({ question })
  const isOpen = async () => {
    const now = await rig.client.app.snapshot({})
    return now.ok && now.value.runbook?.question?.id === question
  }
  expect(await signIn()).toEqual(fail({ code: 'sign-in-not-here', user }))
  const at = { home: rig.home, socketPath: join(rig.home, 'control.sock') }
  const child = startAppProcess(at)
  await eventually(() => child.lines().some(line => line['state'] === 'live'))
  const asked = signIn()
  await eventually(() => child.lines().some(line => 'request' in line))
  expect(child.lines().find(line => 'request' in line)).toMatchObject({
    request: { kind: 'sign-in', user, origin: rig.url, issuers: ['http://127.0.0.1:9'] },
  })
  await child.kill()
  expect(await asked).toEqual(fail({ code: 'shell-gone' }))
  expect(await isOpen()).toBe(true)

  const arrivals: SignInArrival[] = []
  const app = connectCore({
    ...at,
    hello: clientHello('app'),
    offers: ['sign-in'],
    looking: false,
    clock: systemClock(),
    async onAsk({ arrived }) {
      const cookies = [
        { name: 'session', value: cookie },
        { name: 'user', value: user },
      ]
      arrivals.push(await arrived(cookies))
      return { kind: 'ended', why: 'closed', blocked: [] }
    },
  })
  await eventually(() => app.state().kind === 'live')
  expect(app.snapshot()?.app.offers).toEqual(['sign-in'])
  expect(await signIn()).toEqual(fail({ code: 'sign-in-ended', user, why: 'closed', blocked: [] }))
  expect(arrivals).toEqual([{ kind: 'not-yet' }])
  expect(await isOpen()).toBe(true)
  app.close()
  const files = rig.texts(rig.folder)
  expect(files.some(({ file }) => file.endsWith('app.log'))).toBe(true)
  expect(files.filter(({ text }) => text.includes(cookie)).map(({ file }) => file)).toEqual([])
}

describe('a key that a person brings', () => {
  it('is asked for with the address to sign in at, and tried before it is taken', {
    timeout: 90_000,
  }, async () => {
    const old = await newKey(user)
    const managed = await rig.client.keys.manage({
      user,
      key: old,
      sinks: [`file:${file}`],
      proveRepository: 'team/app',
    })
    expect(managed).toMatchObject({ ok: true })
    const run = await rotate()
    const consent = await run.question('consent')
    const agree = () => rig.client.runbooks.answer({ question: consent.id, agreed: true })
    // Two clients at once: one is first, and the other hears who was.
    const answers = await Promise.all([agree(), agree()])
    expect(answers).toEqual([
      { ok: true, value: null },
      fail({ code: 'already-answered', by: 'the command line' }),
    ])
    const asked = await run.question('paste-key')
    expect(asked).toMatchObject({
      wants: { keyOf: user },
      signIn: {
        user,
        url: `${rig.url}/zot/auth/login?provider=oidc&callback_ui=%2Fuser%2Fapikey`,
      },
    })
    const offer = (key: string) => rig.client.keys.offerKey({ question: asked.id, key })
    expect(await offer(old)).toMatchObject({ error: { code: 'key-in-use', user } })
    expect(await offer('zak_ with a space')).toMatchObject({ error: { code: 'key-malformed' } })
    expect(await offer(await newKey('pusher'))).toMatchObject({ error: { code: 'key-not-accepted', user } })
    await signInMeanwhile(asked.id)

    // Nobody without the right to push gets through the proof: the old key stays, the new one is revoked.
    const pasted = await newKey(user)
    const child = startAppProcess({ home: rig.home, socketPath: join(rig.home, 'control.sock') })
    await eventually(() => child.lines().some(line => line['state'] === 'live'))
    const window = rig.client.keys.signIn({ question: asked.id })
    await eventually(() => child.lines().some(line => 'request' in line))
    expect(await offer(`  ${pasted}\r\n`)).toMatchObject({ ok: true })
    // The window that somebody could have signed in with is told that it is not needed, and why.
    expect(await window).toEqual(fail({ code: 'already-answered', by: 'the command line' }))
    await eventually(() => child.lines().some(line => line['withdrawn'] === 'the command line'))
    await child.kill()
    expect(await run.end()).toMatchObject({ result: 'rolled-back', error: { code: 'proof-failed' } })
    expect(readFileSync(file, 'utf8')).toBe(old)
    expect(await rig.letsIn(old, user)).toBe(true)
    expect(await rig.letsIn(pasted, user)).toBe(false)
  })

  it('is missed where nobody can give one, with what to do, and --yes is not what is missing', async () => {
    const expired = await newKey(user)
    expect(await rig.client.keys.manage({ user, key: expired, sinks: [`file:${file}`] })).toMatchObject({
      ok: true,
    })
    expect(await rig.zotbar('keys', 'list')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`Only the keys of ${user}`),
    })
    const { uuid } = await rig.managed()
    expect((await rig.zotbar('keys', 'revoke', uuid)).code).toBe(0)
    const { code, stderr } = await rig.zotbar('keys', 'rotate', user, '--yes')
    const json = await rig.zotbar('keys', 'rotate', user, '--yes', '--json')
    expect(JSON.parse(json.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      result: 'cancelled',
      error: { code: 'key-not-given' },
    })
    expect(code).toBe(1)
    expect(stderr).toContain(`Nobody can give a key of ${user} here.`)
    expect(stderr).toContain(`A new key of ${user} is needed, and none was given.`)
    expect(stderr).toContain(`zotbar keys manage ${user} --key-stdin`)
    expect(stderr).toContain(`(${rig.url}/zot/auth/login?provider=oidc`)
    expect(stderr).not.toContain('agree beforehand')

    // What it says works: while a rotation waits, a yes is not enough, and a key on stdin is.
    const run = await rotate({ leaked: false, yes: true })
    await run.question('paste-key')
    const yes = await rig.zotbar('runbooks', 'answer', '--yes', '--json')
    expect(JSON.parse(yes.stdout)).toMatchObject({ error: { code: 'key-not-given', user } })
    const given = await newKey(user)
    expect((await rig.zotbarGiven(given, 'runbooks', 'answer', '--key-stdin')).code).toBe(0)
    expect(await run.end()).toMatchObject({ error: { code: 'proof-failed' } })
    expect((await rig.zotbarGiven(await newKey(user), 'keys', 'manage', user, '--key-stdin')).code).toBe(0)
    expect((await rig.zotbar('keys', 'list')).stdout).toMatch(/ yes$/m)
  })
})
