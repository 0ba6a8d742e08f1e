import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkHomeFormat, migrateHome } from '../../../core/platform/migrate-home.ts'
import { homeFormat, readHomeFile, writeHomeFile } from '../../../lib/home-format.ts'
import { steps } from '../../fakes/home-steps.ts'
import { filesIn, layHome } from '../../setup/earlier-home.ts'

let folder: string
let home: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-format-'))
  home = join(folder, 'home')
  await mkdir(home)
})
afterEach(() => rm(folder, { recursive: true }))

const log = (): void => {}
const lay = (text: string): Promise<void> => writeFile(join(home, 'home.json'), text)

describe('the format of a home', () => {
  it('is 0 without home.json, as 0.1.0 left one, and the number alone is added', async () => {
    layHome({ folder, port: 5050 })
    const before = filesIn(home)
    expect(await checkHomeFormat(home)).toEqual({ ok: true, value: { format: 0 } })
    expect(await migrateHome({ home, log })).toEqual({ ok: true, value: null })
    expect(filesIn(home)).toEqual({ ...before, 'home.json': `{"format":${homeFormat}}\n` })
  })

  it('stays, and so does what a feature keeps beside it', async () => {
    await lay(`{"format":${homeFormat},"secretsTakenOver":true}`)
    expect(await migrateHome({ home, log })).toEqual({ ok: true, value: null })
    expect(filesIn(home)).toEqual({ 'home.json': `{"format":${homeFormat},"secretsTakenOver":true}` })
  })

  it.each([
    ['2', '{"format":2}'],
    ['7', '{"format":1,"changingTo":7}'],
  ])('that is newer (%s) is refused with both numbers, and nothing is touched', async (format, text) => {
    await lay(text)
    const error = { code: 'home-newer', home, format: Number(format), known: 1 }
    expect(await checkHomeFormat(home, 1)).toEqual({ ok: false, error })
    expect(await migrateHome({ home, steps: [{ to: 1, changes: [], apply: async () => {} }], log })).toEqual({
      ok: false,
      error,
    })
    expect(filesIn(home)).toEqual({ 'home.json': text })
  })

  it.each([
    '',
    '{',
    '[]',
    '{}',
    '{"format":"1"}',
    '{"format":-1}',
    '{"format":1.5}',
    '{"format":1,"changingTo":"x"}',
  ])('that cannot be read is refused, and stays as it is: %j', async text => {
    await lay(text)
    expect(await migrateHome({ home, log })).toMatchObject({
      ok: false,
      error: { code: 'home-damaged', file: join(home, 'home.json'), known: homeFormat },
    })
    expect(filesIn(home)).toEqual({ 'home.json': text })
  })

  it('that the system does not let read is named', async () => {
    await mkdir(join(home, 'home.json'))
    const error = { code: 'home-unusable', path: join(home, 'home.json'), reason: 'it is a folder' }
    expect(await checkHomeFormat(home)).toEqual({ ok: false, error })
  })
})

async function layOlder(): Promise<void> {
  await rm(home, { recursive: true, force: true })
  await mkdir(join(home, 'notes', 'deep'), { recursive: true })
  await lay('{"format":1,"fact":5}')
  await writeFile(join(home, 'settings.json'), 'old settings')
  await writeFile(join(home, 'notes', 'deep', 'one'), 'a note')
  await writeFile(join(home, 'gone.json'), 'out of use')
  await writeFile(join(home, 'other.json'), 'of others')
}

const migrated = {
  'home.json': '{"format":3,"fact":5}\n',
  'settings.json': 'newest settings',
  'kept/deep/one': 'a note',
  'other.json': 'of others',
  'backup/1/settings.json': 'old settings',
  'backup/1/notes/deep/one': 'a note',
  'backup/1/gone.json': 'out of use',
  'backup/2/settings.json': 'new settings',
}

describe('a home that is brought to a newer format', () => {
  it('is copied before, step by step, and its number comes last', async () => {
    await layOlder()
    expect(await migrateHome({ home, steps, log })).toEqual({ ok: true, value: null })
    expect(filesIn(home)).toEqual(migrated)
  })

  it('keeps the copy of an earlier change of the same format', async () => {
    await layOlder()
    await migrateHome({ home, steps, log })
    await writeHomeFile(home, { format: 2, fact: 5 })
    await migrateHome({ home, steps, log })
    expect(filesIn(home)).toEqual({
      ...migrated,
      'backup/2.1/settings.json': 'new settings',
      'backup/2/settings.json': 'newest settings',
    })
  })

  it('stays whole where a step fails, and says so; the next start goes on', async () => {
    await layOlder()
    const broken = [{ ...steps[0]!, apply: async () => Promise.reject(new Error('no room')) }]
    expect(await migrateHome({ home, steps: broken, log })).toMatchObject({
      error: { code: 'home-unusable', path: home, reason: 'format 2 was not reached: no room' },
    })
    expect(await checkHomeFormat(home, 1)).toMatchObject({ error: { code: 'home-newer', format: 2 } })
    expect(await migrateHome({ home, steps, log })).toEqual({ ok: true, value: null })
    expect(filesIn(home)).toEqual(migrated)
  })

  it('that was killed before any of its steps is taken up, and the copy is of what was there first', async () => {
    let kills = 0
    for (let at = 0; ; at += 1) {
      await layOlder()
      if ((await migrateInProcess(at)) === 'done') break
      kills += 1
      const read = await readHomeFile(home)
      expect(read.kind, `killed at ${at}`).toBe('read')
      expect(await migrateHome({ home, steps, log })).toEqual({ ok: true, value: null })
      const found = filesIn(home)
      // A second copy of the same files is left where the kill came between the copy and its mark.
      const extra = Object.keys(found).filter(name => /^backup\/\d\.1\/|^\.home\.json|^backup\/\./.test(name))
      for (const name of extra) delete found[name]
      expect(found, `killed at ${at}`).toEqual(migrated)
      expect(await readdir(join(home, 'backup')), `killed at ${at}`).not.toContain('.1.new')
    }
    expect(filesIn(home)).toEqual(migrated)
    expect(kills).toBeGreaterThan(15)
  })
})

/** The same steps in a process that kills itself before its change number `at` of the disk; `done` when it got through. */
function migrateInProcess(at: number): Promise<'done' | 'killed'> {
  const source = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../../${path}`, import.meta.url)))
  const script = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    let left = ${at}
    for (const name of ['open', 'rename', 'rm', 'mkdir', 'cp', 'writeFile', 'unlink']) {
      const original = fs.promises[name]
      fs.promises[name] = function (path, flags, ...more) {
        const reads = name === 'open' && flags === 'r'
        if (!reads && left-- === 0) process.kill(process.pid, 'SIGKILL')
        return original.call(this, path, flags, ...more)
      }
    }
    syncBuiltinESMExports()
    const { migrateHome } = await import(${source('core/platform/migrate-home.ts')})
    const { steps } = await import(${source('test/fakes/home-steps.ts')})
    const done = await migrateHome({ home: ${JSON.stringify(home)}, steps, log() {} })
    if (!done.ok) process.exit(3)`
  return new Promise((resolve, reject) => {
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    execFile(process.execPath, args, (error, _, stderr) => {
      if (error === null) return resolve('done')
      if (error.signal === 'SIGKILL') return resolve('killed')
      reject(new Error(stderr))
    })
  })
}
