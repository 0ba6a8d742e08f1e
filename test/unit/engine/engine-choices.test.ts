import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openEngineChoices } from '../../../core/engine/engine-choices.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-choices-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const told: string[] = []
const open = () => openEngineChoices(home, { now: () => 1000, report: what => told.push(what.keptAs) })
const zot = { engine: 'zot', program: '/opt/zot', by: 'cli', at: 5, why: 'asked' } as const

it('keeps a choice for each folder, wherever a link leads to it', async () => {
  const choices = await open()
  expect(choices.isNew()).toBe(true)
  const [data, link] = [join(home, 'data'), join(home, 'link')]
  mkdirSync(data)
  symlinkSync(data, link)
  expect(await choices.forFolder(data)).toBeUndefined()
  expect(await choices.choose(link, zot)).toEqual({ ok: true, value: null })
  expect(await choices.forFolder(data)).toEqual(zot)
  expect(await choices.forFolder(join(home, 'gone'))).toBeUndefined()
  expect(statSync(join(home, 'engines.json')).mode & 0o777).toBe(0o600)
  const again = await open()
  expect(again.isNew()).toBe(false)
  expect(await again.forFolder(link)).toEqual(zot)
  const own = { engine: 'zotbar-registry', by: 'dashboard', at: 6, why: 'asked' } as const
  await again.choose(data, own)
  // The zot before it stays known.
  expect(await (await open()).forFolder(data)).toEqual({ ...own, lastZot: { program: '/opt/zot' } })
})

it('sets a damaged file aside, knows nothing then, and is not taken for a home from before', async () => {
  writeFileSync(join(home, 'engines.json'), '{"format":1,"choices":[{"engine":"podman"}]}')
  const choices = await open()
  expect([choices.isNew(), await choices.forFolder(home)]).toEqual([false, undefined])
  expect(told).toHaveLength(1)
  expect(readdirSync(home).some(name => name.startsWith('engines.json.corrupt-'))).toBe(true)
  expect(JSON.parse(readFileSync(join(home, 'engines.json'), 'utf8'))).toEqual({ format: 1, choices: [] })
  expect((await open()).isNew()).toBe(false)
})

it('knows nothing of a choice that could not be written down', async () => {
  const choices = await open()
  const file = join(home, 'engines.json')
  mkdirSync(file)
  expect(await choices.choose(home, zot)).toEqual({
    ok: false,
    error: { code: 'home-unusable', path: file, reason: 'it is a folder' },
  })
  expect([await choices.forFolder(home), choices.isNew()]).toEqual([undefined, true])
  rmSync(file, { recursive: true })
  expect(await choices.choose(home, zot)).toEqual({ ok: true, value: null })
  expect(await choices.forFolder(home)).toEqual(zot)
})
