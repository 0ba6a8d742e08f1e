import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readJsonFile, type SetAside, writeJsonFile } from '../../../core/platform/json-file.ts'
import { freeSpace } from '../../../core/platform/volume.ts'
import { openAppLog } from '../../../lib/app-log.ts'
import { createAtomic, writeAtomic } from '../../../lib/atomic-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('atomic files', () => {
  test('a file is replaced whole, with its mode, and nothing is left over', async () => {
    const file = join(folder, 'a')
    await writeFile(file, 'old', { mode: 0o644 })
    await writeAtomic(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
    expect((await lstat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('a write that fails leaves the old file and no stage', async () => {
    await expect(writeAtomic(join(folder, 'missing', 'a'), 'x')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(writeAtomic(folder, 'x')).rejects.toThrow()
    expect(await readdir(folder)).toEqual([])
  })

  test('creating never replaces; of many at once exactly one wins', async () => {
    const file = join(folder, 'a')
    const texts = Array.from({ length: 8 }, (_, i) => `writer ${i}`)
    const won = await Promise.all(texts.map(text => createAtomic(file, text)))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await readFile(file, 'utf8')).toBe(texts[won.indexOf(true)])
    expect(await readdir(folder)).toEqual(['a'])
  })
})

describe('JSON files', () => {
  const schema = v.object({ n: v.number() })
  const told: SetAside[] = []
  const options = { now: () => Date.UTC(2026, 2, 1, 12), report: (what: SetAside) => told.push(what) }
  beforeEach(() => {
    told.length = 0
  })

  test('what was written is read', async () => {
    const file = join(folder, 'a.json')
    expect(await readJsonFile(file, schema, options)).toBeUndefined()
    await writeJsonFile(file, { n: 1 })
    expect(await readJsonFile(file, schema, options)).toEqual({ n: 1 })
    expect(told).toEqual([])
  })

  test.each(['', '{"n":', '{"n":"x"}', 'null'])('%j is set aside and told', async text => {
    const file = join(folder, 'a.json')
    await writeFile(file, text)
    expect(await readJsonFile(file, schema, options)).toBeUndefined()
    expect(told).toEqual([{ file, keptAs: `${file}.corrupt-20260301T120000Z` }])
    expect(await readFile(`${file}.corrupt-20260301T120000Z`, 'utf8')).toBe(text)
    expect(await readdir(folder)).toEqual(['a.json.corrupt-20260301T120000Z'])
  })
})

describe('the log of the app', () => {
  test('lines of JSON in a closed file, rotated by size', async () => {
    const file = join(folder, 'logs', 'app.log')
    const log = openAppLog({ file, now: () => 0, maxBytes: 250 })
    log.info('started', { pid: 7 })
    expect((await lstat(file)).mode & 0o777).toBe(0o600)
    const lines = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines[0]).toEqual({ time: '1970-01-01T00:00:00.000Z', level: 'info', message: 'started', pid: 7 })
    for (let i = 0; i < 20; i++) log.warn(`line ${i}`)
    expect(await readdir(join(folder, 'logs'))).toEqual(['app.log', 'app.log.1'])
    expect((await lstat(file)).size).toBeLessThanOrEqual(250)
    expect(await readFile(file, 'utf8')).toContain('line 19')
  })

  test('an error is written with its words', async () => {
    const file = join(folder, 'app.log')
    openAppLog({ file, now: () => 0 }).error('failed', { error: new Error('why'), size: 1n })
    expect(await readFile(file, 'utf8')).toMatch(/"level":"error".*Error: why.*"size":"1"/)
  })

  test('a folder that cannot be written is no reason to fall over', async () => {
    await writeFile(join(folder, 'file'), '')
    openAppLog({ file: join(folder, 'file', 'app.log'), now: () => 0 }).info('x')
  })
})

test('free space, also for a folder that is not there yet', async () => {
  const space = await freeSpace(join(folder, 'a', 'b'))
  expect(space).toBeDefined()
  expect(space!.volumeBytes).toBeGreaterThan(space!.freeBytes)
  expect(space!.freeBytes).toBeGreaterThan(0)
})
