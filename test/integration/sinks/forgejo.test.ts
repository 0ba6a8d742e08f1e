import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { makeCertificate } from '../../fakes/certificates.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type ForgejoMode, fakeForgejo } from '../../fakes/forgejo.ts'
import { freePort } from '../../setup/free-port.ts'
import { describeWith } from '../../setup/need.ts'
import { made, never, secret, sinkDepsOf, temporaryFolder } from './sink-deps.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function server(more: { tls?: { key: string; cert: string } } = {}) {
  const forgejo = await fakeForgejo({
    token: 'tok_1',
    repositories: ['team/app'],
    organisations: ['team'],
    ...more,
  })
  closing.push(forgejo.close)
  return forgejo
}

function sink(
  url: string,
  spec = 'forgejo:team/app/ZOT_CI_KEY',
  token: string | undefined = 'tok_1',
  limitMs?: number,
) {
  const forgejo = { url: () => url, token: async () => ({ ok: true as const, value: token }) }
  return made(
    spec,
    sinkDepsOf('/', { forgejo, limits: { ...(limitMs !== undefined && { forgejo: limitMs }) } }),
  )
}

it.each([
  ['forgejo:team/app/ZOT_CI_KEY', '/repos/team/app/ZOT_CI_KEY', 'team/app/ZOT_CI_KEY'],
  ['forgejo:org:team/zot_ci_key', '/orgs/team/ZOT_CI_KEY', 'organisation team/zot_ci_key'],
  ['forgejo:user:ZOT_CI_KEY', '/user/ZOT_CI_KEY', "the token's own user/ZOT_CI_KEY"],
])('delivers to %s, new and again', async (spec, at, place) => {
  const { url, secrets, asked } = await server()
  const to = sink(url, spec)
  expect(to.describe()).toEqual({ title: 'Forgejo Actions secret', place, provable: false })
  expect(await to.reach(never)).toEqual({ ok: true })
  expect(asked.some(({ method }) => method === 'PUT')).toBe(false)
  for (let time = 0; time < 2; time += 1) expect(await to.deliver(secret, never)).toEqual({ ok: true })
  expect([...secrets]).toEqual([[at, secret.key]])
  expect(await to.prove(secret, never)).toMatchObject({ holds: 'cannot-tell' })
  expect(asked.map(({ path }) => path).join()).not.toContain('zak_')
})

it('proves that a secret is not there', async () => {
  const { url } = await server()
  expect(await sink(url).prove(secret, never)).toEqual({ holds: 'another', words: 'nothing of this name' })
})

it.each<[ForgejoMode, string, RegExp]>([
  ['no-scope', 'sink-denied', /needs write:repository/],
  ['unprocessable', 'sink-refused', /does not accept the name or the value \(422\)/],
  ['busy', 'sink-busy', /too often/],
  ['broken', 'sink-refused', /answers 500/],
  ['html', 'sink-refused', /answers 502/],
  ['cut', 'sink-unreachable', /connection broke/],
  ['endless', 'sink-unreachable', /cannot be reached/],
  ['echo', 'sink-refused', /does not accept/],
  ['redirect', 'sink-redirected', /to https:\/\/elsewhere\.example\.org; it was not followed/],
])('says why it was not taken: %s', async (mode, code, words) => {
  const { url, secrets, answer } = await server()
  answer(mode)
  const refused = await sink(url).deliver(secret, never)
  expect(refused).toMatchObject({ ok: false, error: { code, words: expect.stringMatching(words) } })
  expect(JSON.stringify(refused)).not.toMatch(/0123456789abcd|tok_1/)
  expect(secrets.size).toBe(0)
})

it('gives up a server that says nothing, and stops when it is cancelled', async () => {
  const { url, asked, answer } = await server()
  answer('silent')
  expect(await sink(url, undefined, undefined, 300).deliver(secret, never)).toMatchObject({
    error: { code: 'sink-too-slow' },
  })
  const stop = new AbortController()
  const before = asked.length
  const delivered = sink(url).deliver(secret, stop.signal)
  await eventually(() => asked.length > before, 30_000)
  stop.abort()
  expect(await delivered).toMatchObject({ error: { code: 'cancelled' } })
})

it('says what is wrong with the token, the repository and the settings', async () => {
  const { url } = await server()
  const wrong = sink(url, undefined, 'tok_2')
  for (const asked of [wrong.reach(never), wrong.deliver(secret, never)])
    expect(await asked).toMatchObject({
      error: { code: 'sink-denied', words: expect.stringMatching(/does not know the token/) },
    })
  const elsewhere = sink(url, 'forgejo:team/nothing/KEY')
  for (const asked of [elsewhere.reach(never), elsewhere.deliver(secret, never)])
    expect(await asked).toMatchObject({ error: { code: 'sink-missing' } })
  expect(await sink('').reach(never)).toMatchObject({
    error: { words: expect.stringMatching(/settings set forgejo\.url/) },
  })
  const forgejo = { url: () => url, token: async () => ({ ok: true as const, value: undefined }) }
  expect(await made('forgejo:team/app/KEY', sinkDepsOf('/', { forgejo })).reach(never)).toMatchObject({
    error: { words: expect.stringMatching(/has no token/) },
  })
  const locked = { ok: false as const, error: { code: 'keychain-locked' as const, reason: 'locked' } }
  const noToken = { url: () => url, token: async () => locked }
  expect(
    await made('forgejo:team/app/KEY', sinkDepsOf('/', { forgejo: noToken })).reach(never),
  ).toMatchObject({
    error: { code: 'keychain-locked' },
  })
})

it('says what a connection died of', async () => {
  const port = await freePort()
  const to = (url: string) => sink(url).reach(never)
  expect(await to(`http://127.0.0.1:${port}`)).toMatchObject({
    error: { code: 'sink-unreachable', words: expect.stringMatching(/nothing listens there/) },
  })
  expect(await to('http://nowhere.invalid')).toMatchObject({ error: { code: 'sink-unreachable' } })
  const { url } = await server()
  expect(await to(url.replace('http:', 'https:'))).toMatchObject({
    error: { code: 'sink-unreachable', words: expect.stringMatching(/does not speak TLS/) },
  })
})

describeWith(['openssl'], 'over TLS', () => {
  it('tells its secret to no server whose certificate is not trusted', async () => {
    const folder = temporaryFolder()
    closing.push(folder.dispose)
    const { cert, key } = makeCertificate(folder.path, 'forgejo')
    const { url, asked } = await server({
      tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
    })
    expect(await sink(url).deliver(secret, never)).toMatchObject({
      error: { code: 'sink-unreachable', words: expect.stringMatching(/certificate is not trusted/) },
    })
    expect(asked).toEqual([])
  })
})
