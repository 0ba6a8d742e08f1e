import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { smallVolume } from '../../fakes/small-volume.ts'
import { another, made, never, secret, sinkDepsOf, temporaryFolder } from './sink-deps.ts'

const folder = temporaryFolder()
const volume = join(folder.path, 'volume')
const small = smallVolume(volume, '64k')

afterAll(() => {
  small.unmount()
  folder.dispose()
})

/** Until not even a small file finds room. */
function fill() {
  for (let number = 0; ; number += 1)
    try {
      writeFileSync(join(volume, `fill-${number}`), 'x'.repeat(4096))
    } catch {
      return
    }
}

describe.skipIf(!small.mounted)('a disk that is full (needs root, to mount a small one)', () => {
  it('leaves every file as it was, and no part of another', async () => {
    const deps = sinkDepsOf(folder.path)
    const keyFile = join(folder.path, 'key')
    writeFileSync(keyFile, 'x'.repeat(32), { mode: 0o600 })
    const store = openKeyStore({
      home: volume,
      keychain: openSystemKeychain(),
      keyFile: () => keyFile,
      plain: () => false,
    })
    const owner = { registry: 'r', user: 'zot-ci' }
    const file = made(`file:${join(volume, 'key')}`, deps)
    const auth = made(`authfile:${join(volume, 'auth.json')}`, deps)
    expect(await file.deliver(secret, never)).toEqual({ ok: true })
    expect(await auth.deliver(secret, never)).toEqual({ ok: true })
    expect(await store.set(owner, 'current', secret.key)).toEqual({ ok: true, value: null })
    fill()
    const before = readdirSync(volume)
    const sealed = readFileSync(join(volume, 'secrets', 'keys.enc'))
    for (const sink of [file, auth]) {
      expect(await sink.deliver(another, never)).toMatchObject({
        ok: false,
        error: { code: 'sink-unusable', words: expect.stringMatching(/the volume is full/) },
      })
      expect(await sink.prove(secret, never)).toEqual({ holds: 'this' })
    }
    expect(await store.set(owner, 'next', another.key)).toMatchObject({
      error: { code: 'file-unusable', reason: 'the volume is full' },
    })
    expect(await store.get(owner, 'current')).toEqual({ ok: true, value: secret.key })
    expect(readdirSync(volume)).toEqual(before)
    expect(readdirSync(join(volume, 'secrets')).sort()).toEqual(['keys.enc', 'place.json'])
    expect(readFileSync(join(volume, 'secrets', 'keys.enc'))).toEqual(sealed)
  })
})
