import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStoreMarker } from '../../../registry/storage/store-marker.ts'

const at = Date.parse('2026-03-01T12:00:00Z')
let root: string
let file: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-marker-'))
  file = join(root, '_zotbar', 'store.json')
})
afterEach(() => rmSync(root, { recursive: true }))

it('is drawn once, for its owner only, and stays', async () => {
  const first = await openStoreMarker(root, () => at)
  const marker = {
    format: 1,
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    createdAt: '2026-03-01T12:00:00.000Z',
  }
  expect(first).toMatchObject({ ok: true, marker, setAside: undefined })
  const text = readFileSync(file, 'utf8')
  expect(JSON.parse(text)).toEqual(marker)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await openStoreMarker(root, () => at + 1000)).toEqual(first)
  expect(readFileSync(file, 'utf8')).toBe(text)
  expect(readdirSync(join(root, '_zotbar'))).toEqual(['store.json'])
})

it('differs from folder to folder', async () => {
  const other = mkdtempSync(join(tmpdir(), 'zotbar-marker-'))
  const [one, two] = [await openStoreMarker(root), await openStoreMarker(other)]
  rmSync(other, { recursive: true })
  expect(one.ok && two.ok && one.marker.id !== two.marker.id).toBe(true)
})

it.each([
  ['empty', ''],
  ['no JSON', '\0\0\0'],
  ['without an id', '{"format":1,"createdAt":"2026-03-01T12:00:00Z"}'],
])('that is %s is moved aside, and a new one is drawn', async (_, text) => {
  mkdirSync(join(root, '_zotbar'))
  writeFileSync(file, text)
  const opened = await openStoreMarker(root, () => at)
  const setAside = `${file}.damaged-${at}`
  expect(opened).toMatchObject({ ok: true, setAside })
  expect(readFileSync(setAside, 'utf8')).toBe(text)
  expect(opened.ok && JSON.parse(readFileSync(file, 'utf8'))).toEqual(opened.ok && opened.marker)
})

it('of a newer version is refused and left as it is', async () => {
  mkdirSync(join(root, '_zotbar'))
  const text = '{"format":2,"identity":"x"}'
  writeFileSync(file, text)
  expect(await openStoreMarker(root)).toEqual({
    ok: false,
    message: `${file} was written by a newer zotbar-registry: use that one`,
  })
  expect(readFileSync(file, 'utf8')).toBe(text)
})

it('that cannot be read is left as it is', async () => {
  mkdirSync(file, { recursive: true })
  expect(await openStoreMarker(root)).toEqual({ ok: false, message: `${file}: it is a folder` })
})
