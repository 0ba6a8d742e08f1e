import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunbookEnd, RunbookLine, RunbookQuestion } from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { pushImage } from '../registry/client.ts'
import { basic, passwordOf, writeHtpasswd } from '../registry/people.ts'
import { createRotationRig, policies, type RotationRig } from './rotation-rig.ts'

/** An engine without an administration socket: a key that does not work any more is replaced by a person's. */
let rig: RotationRig
let file = ''
/** With no right to push anything. */
const user = 'reader'

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
  const settings = join(rig.home, 'settings.json')
  const zot = { engine: 'zot', 'engine.path': placeZot(join(rig.folder, 'bin'), 'good') }
  writeFileSync(settings, JSON.stringify({ ...JSON.parse(readFileSync(settings, 'utf8')), ...zot }))
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
async function rotate() {
  const begun = await rig.client.keys.rotate({ user, leaked: true, yes: false, dryRun: false })
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
    await rig.client.runbooks.answer({ question: consent.id, agreed: true })
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
    // A window is for who sits before it, not for the command line.
    expect(await rig.client.keys.signIn({ question: asked.id })).toMatchObject({ ok: false })

    // Nobody without the right to push gets through the proof: the old key stays, the new one is revoked.
    const pasted = await newKey(user)
    expect(await offer(`  ${pasted}\r\n`)).toMatchObject({ ok: true })
    expect(await run.end()).toMatchObject({ result: 'rolled-back', error: { code: 'proof-failed' } })
    expect(readFileSync(file, 'utf8')).toBe(old)
    expect(await rig.letsIn(old, user)).toBe(true)
    expect(await rig.letsIn(pasted, user)).toBe(false)
  })
})
