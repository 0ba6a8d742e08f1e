import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authfileSink } from '../../../core/sinks/authfile-sink.ts'
import { fileSink } from '../../../core/sinks/file-sink.ts'
import type { SinkSecret } from '../../../core/sinks/sink.ts'

const secret: SinkSecret = { user: 'zot-ci', key: 'zak_1', registryHost: '127.0.0.1:5050' }
const another = { ...secret, key: 'zak_2' }
const auth = Buffer.from('zot-ci:zak_1').toString('base64')
const { signal } = new AbortController()

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'zotbar-sinks-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('a file', () => {
  const path = () => join(folder, 'key')
  const sink = () => fileSink(`file:${path()}`, path())

  it('holds the key and nothing else, keeps the mode of one that was there, and proves it', async () => {
    writeFileSync(path(), 'an older one\n')
    chmodSync(path(), 0o640)
    const { ino } = statSync(path())
    expect(await sink().reach(signal)).toEqual({ ok: true })
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'another', words: 'something else' })
    for (let time = 0; time < 2; time += 1) expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(readFileSync(path(), 'utf8')).toBe('zak_1')
    expect(modeOf(path())).toBe(0o640)
    expect(statSync(path()).ino).toBe(ino)
    expect(readdirSync(folder)).toEqual(['key'])
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'this' })
    expect(await sink().prove(another, signal)).toEqual({ holds: 'another', words: 'something else' })
    writeFileSync(path(), '')
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'another', words: 'an empty file' })
    rmSync(path())
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'another', words: 'nothing' })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(modeOf(path())).toBe(0o600)
  })

  it('gets no key where every user could read it, or where it has another name', async () => {
    writeFileSync(path(), 'older')
    chmodSync(path(), 0o644)
    const why = `every user has access to it (mode 644); do this first: chmod o= ${path()}`
    for (const refused of [await sink().reach(signal), await sink().deliver(secret, signal)])
      expect(refused).toMatchObject({ ok: false, error: { words: expect.stringContaining(why) } })
    expect([readFileSync(path(), 'utf8'), modeOf(path())]).toEqual(['older', 0o644])
    chmodSync(path(), 0o600)
    linkSync(path(), join(folder, 'other'))
    expect(await sink().deliver(secret, signal)).toMatchObject({ error: { code: 'sink-unusable' } })
    expect(readFileSync(path(), 'utf8')).toBe('older')
  })

  it.each([
    ['a folder', () => mkdirSync(path()), 'it is a folder'],
    ['a link', () => symlinkSync(join(folder, 'elsewhere'), path()), 'it is a link, and is not followed'],
    ['no folder', () => rmSync(folder, { recursive: true }), `its folder FOLDER does not exist`],
  ])('refuses %s in its place', async (_what, prepare, why) => {
    prepare()
    const words = `The key cannot be written to ${path()}: ${why.replace('FOLDER', folder)}.`
    expect(await sink().reach(signal)).toEqual({ ok: false, error: { code: 'sink-unusable', words } })
    expect(await sink().deliver(secret, signal)).toEqual({
      ok: false,
      error: { code: 'sink-unusable', words },
    })
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false)
    mkdirSync(folder, { recursive: true })
  })

  it('says when others may write to its folder', async () => {
    chmodSync(folder, 0o777)
    expect(await sink().reach(signal)).toEqual({
      ok: true,
      note: `Other users may write to ${folder}, and so put another file in its place.`,
    })
  })

  it('does nothing once it is cancelled', async () => {
    expect(await sink().deliver(secret, AbortSignal.abort())).toMatchObject({ error: { code: 'cancelled' } })
    expect(existsSync(path())).toBe(false)
  })
})

describe('an auth file', () => {
  const path = () => join(folder, 'auth.json')
  const sink = () => authfileSink(`authfile:${path()}`, path())
  const read = () => JSON.parse(readFileSync(path(), 'utf8'))

  it('is made where there is none', async () => {
    expect(await sink().prove(secret, signal)).toEqual({
      holds: 'another',
      words: 'nothing for 127.0.0.1:5050',
    })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(read()).toEqual({ auths: { '127.0.0.1:5050': { auth } } })
    expect(modeOf(path())).toBe(0o600)
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'this' })
    expect(await sink().prove(another, signal)).toEqual({ holds: 'another', words: 'another key' })
    writeFileSync(path(), '')
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
  })

  it.each(['  ', '\t', '    '])('keeps what else is in it, its indent %j and its mode', async indent => {
    const before = {
      auths: {
        'docker.io': { auth: 'b3RoZXI=' },
        '127.0.0.1:5050': { auth: 'b2xk', identitytoken: 'old' },
        'quay.io/team': { auth: 'cXVheQ==' },
      },
      credHelpers: { 'gcr.io': 'gcloud' },
      HttpHeaders: { 'User-Agent': 'x' },
      __proto__x: 1,
    }
    writeFileSync(path(), JSON.stringify(before, null, indent))
    chmodSync(path(), 0o640)
    const { ino } = statSync(path())
    linkSync(path(), join(folder, 'other'))
    expect(await sink().reach(signal)).toEqual({ ok: true })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    const { '127.0.0.1:5050': _, ...others } = before.auths
    expect(read()).toEqual({ ...before, auths: { ...others, '127.0.0.1:5050': { auth } } })
    expect(Object.keys(read())).toEqual(Object.keys(before))
    expect(readFileSync(path(), 'utf8').split('\n')[1]).toBe(`${indent}"auths": {`)
    expect(modeOf(path())).toBe(0o640)
    expect([statSync(path()).ino, statSync(join(folder, 'other')).ino]).toEqual([ino, ino])
    expect(readdirSync(folder).sort()).toEqual(['auth.json', 'other'])
  })

  it('gets no key where every user could read it, and is left as it is', async () => {
    writeFileSync(path(), '{}')
    chmodSync(path(), 0o644)
    expect(await sink().deliver(secret, signal)).toMatchObject({
      error: { words: expect.stringContaining('every user has access to it (mode 644)') },
    })
    expect([readFileSync(path(), 'utf8'), modeOf(path())]).toEqual(['{}', 0o644])
  })

  it('is followed when it is a link, which stays one', async () => {
    const real = join(folder, 'dotfiles.json')
    writeFileSync(real, '{"auths":{}}')
    chmodSync(real, 0o600)
    symlinkSync('dotfiles.json', path())
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(lstatSync(path()).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(real, 'utf8')).auths).toEqual({ '127.0.0.1:5050': { auth } })
  })

  it.each([
    ['{"auths": {', /is not JSON, and was left/],
    ['[]', /is not a JSON object/],
    ['"x"', /is not a JSON object/],
    ['{"auths": []}', /"auths" is not an object/],
    ['{"auths": {"docker.io": 5}}', /"docker.io" is not an object, and so docker and podman read nothing/],
    ['{"auths": {"docker.io": 1e999}}', /"docker.io" is not an object/],
    ['{"auths": {"docker.io": {"auth": 5}}}', /"docker.io: auth" is not a text/],
    ['{"auths": {"docker.io": {"identitytoken": {}}}}', /"docker.io: identitytoken" is not a text/],
    ['{"credHelpers": ["x"]}', /"credHelpers" is not an object/],
    ['{"credHelpers": {"gcr.io": 1}}', /"gcr.io" is not a text/],
    ['{"credsStore": {}}', /"credsStore" is not a text/],
    ['{"Auths": {}}', /key "Auths", which docker and podman read as "auths"/],
    ['{"auths": {"a": {}}, "auths": {"b": {}}}', /key "auths" twice in one object/],
    ['{"auths": {"a": {"x": 1, "x": 2}}}', /key "x" twice/],
    ['{"auths": {"a": {}, "\\u0061": {}}}', /key "a" twice/],
    ['{"credsStore": "desktop"}', /helper "desktop" keeps the credential of every host/],
  ])('is refused, and left as it is: %s', async (text, why) => {
    writeFileSync(path(), text)
    const refused = { ok: false, error: { code: 'sink-unusable', words: expect.stringMatching(why) } }
    expect(await sink().reach(signal)).toMatchObject(refused)
    expect(await sink().deliver(secret, signal)).toMatchObject({ ok: false })
    expect(await sink().prove(secret, signal)).not.toEqual({ holds: 'this' })
    expect(readFileSync(path(), 'utf8')).toBe(text)
  })

  it('is refused where a helper has this host, and taken where it has another', async () => {
    writeFileSync(path(), '{"credHelpers": {"127.0.0.1:5050": "pass"}}', { mode: 0o600 })
    expect(await sink().deliver(secret, signal)).toMatchObject({
      error: { words: expect.stringMatching(/helper "pass" keeps the credential of 127.0.0.1:5050/) },
    })
    expect(await sink().deliver({ ...secret, registryHost: 'localhost:5050' }, signal)).toEqual({ ok: true })
  })

  it('is taken where docker is told that a host is kept in the file, and a helper for a part of it is never asked', async () => {
    const helpers = { '127.0.0.1:5050': '', '127.0.0.1:5050/team': 'pass' }
    writeFileSync(path(), JSON.stringify({ credHelpers: helpers }), { mode: 0o600 })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(await sink().prove(secret, signal)).toEqual({ holds: 'this' })
  })

  it.each(['{"auths":null}', '{}', 'null', '{"auths":{}}', '', '\n', '{"auths":null,"credHelpers":null}'])(
    'is taken, as docker writes and reads it: %j',
    async text => {
      writeFileSync(path(), text, { mode: 0o600 })
      expect(await sink().prove(secret, signal)).toMatchObject({ holds: 'another' })
      expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
      expect(read().auths).toEqual({ '127.0.0.1:5050': { auth } })
      expect(await sink().prove(secret, signal)).toEqual({ holds: 'this' })
    },
  )

  it('loses its byte order mark, with which no program reads it', async () => {
    writeFileSync(path(), `\uFEFF${JSON.stringify({ auths: { '127.0.0.1:5050': { auth }, a: {} } })}`, {
      mode: 0o600,
    })
    expect(await sink().prove(secret, signal)).toMatchObject({
      words: expect.stringMatching(/byte order mark/),
    })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(read().auths).toEqual({ a: {}, '127.0.0.1:5050': { auth } })
  })

  it('keeps 2 MB of other entries, and numbers that JavaScript cannot hold', async () => {
    const entries = Array.from({ length: 20_000 }, (_, at) => [
      `r${at}.example/team`,
      { auth: 'x'.repeat(70) },
    ])
    const text = JSON.stringify({ auths: Object.fromEntries(entries), n: 0 }).replace(
      '"n":0',
      '"n":12345678901234567890.10',
    )
    expect(text.length).toBeGreaterThan(2_000_000)
    writeFileSync(path(), text, { mode: 0o600 })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(Object.keys(read().auths)).toHaveLength(20_001)
    expect(readFileSync(path(), 'utf8')).toContain('12345678901234567890.10')
    writeFileSync(path(), ' '.repeat(4 * 1024 * 1024 + 1))
    expect(await sink().deliver(secret, signal)).toMatchObject({
      error: { words: expect.stringMatching(/larger than 4 MB/) },
    })
  })

  it('gets the key in entries for parts of the registry that are of the same user, and tells of others', async () => {
    const pair = (text: string) => ({ auth: Buffer.from(text).toString('base64') })
    const others = {
      '127.0.0.1:5050/ops': pair('ops:pw'),
      '127.0.0.1:5050/none': {},
      '127.0.0.1:50500/x': pair('zot-ci:y'),
    }
    const auths = { '127.0.0.1:5050/team/app': pair('zot-ci:old'), '127.0.0.1:5050': { auth }, ...others }
    writeFileSync(path(), JSON.stringify({ auths }), { mode: 0o600 })
    expect(await sink().prove(secret, signal)).toEqual({
      holds: 'another',
      words: 'another key for 127.0.0.1:5050/team/app, which podman takes for what is below it',
    })
    expect(await sink().deliver(secret, signal)).toEqual({ ok: true })
    expect(read().auths).toEqual({
      ...others,
      '127.0.0.1:5050/team/app': { auth },
      '127.0.0.1:5050': { auth },
    })
    expect(await sink().prove(secret, signal)).toEqual({
      holds: 'this',
      words:
        'For a part of the registry podman, skopeo and buildah take longer entries of the file instead: ' +
        '127.0.0.1:5050/ops (of "ops"), 127.0.0.1:5050/none (without a key); remove those where this key is meant',
    })
  })

  it('says that a link leads nowhere, and that a folder is none', async () => {
    symlinkSync('nowhere', path())
    expect(await sink().deliver(secret, signal)).toMatchObject({
      error: { words: expect.stringMatching(/a link to nothing/) },
    })
    rmSync(path())
    mkdirSync(path())
    expect(await sink().prove(secret, signal)).toMatchObject({ holds: 'unknown' })
  })

  it('sees another sign-in in its place', async () => {
    writeFileSync(path(), JSON.stringify({ auths: { '127.0.0.1:5050': { auth, identitytoken: 'x' } } }))
    expect(await sink().prove(secret, signal)).toEqual({
      holds: 'another',
      words: 'a token of another sign-in',
    })
  })
})
