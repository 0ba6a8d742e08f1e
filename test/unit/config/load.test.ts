import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../../registry/config/load.ts'
import { describeProblem } from '../../../registry/config/problem.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a file that is there', async () => {
  const file = join(folder, 'config.json')
  await writeFile(file, '{"storage":{"rootDirectory":"/x"}}')
  expect(await loadConfig(file)).toMatchObject({
    ok: true,
    file,
    config: { storage: { rootDirectory: '/x' } },
  })
})

test.each([
  ['missing.json', 'it does not exist'],
  ['folder', 'it is a folder'],
  ['latin1.json', 'it is not UTF-8 text'],
])('%s cannot be read: %s', async (name, why) => {
  await mkdir(join(folder, 'folder'))
  await writeFile(join(folder, 'latin1.json'), Buffer.from([0x22, 0xe9, 0x22]))
  const loaded = await loadConfig(join(folder, name))
  expect(loaded).toMatchObject({ ok: false, problems: [{ code: 'unreadable' }] })
  expect(loaded.ok ? '' : loaded.problems[0]?.message).toContain(why)
})

test('a problem in one line', () => {
  const problem = { code: 'wrong-type', message: 'a list is not allowed here', allowed: 'a string' } as const
  expect(describeProblem('/c.json', { ...problem, keyPath: 'log.level', line: 3, column: 5 })).toBe(
    '/c.json:3:5: log.level: a list is not allowed here; allowed: a string',
  )
  expect(describeProblem('/c.json', problem)).toBe('/c.json: a list is not allowed here; allowed: a string')
})
