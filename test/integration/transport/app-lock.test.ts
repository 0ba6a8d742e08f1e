import { renameSync, writeFileSync } from 'node:fs'
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Processes, takeAppLock } from '../../../core/transport/app-lock.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-lock-'))
})
afterEach(async () => {
  await rm(home, { recursive: true })
})

/** Processes by pid with their start times. */
const running = (table: Record<number, number>): Processes => ({
  alive: pid => pid in table,
  startTime: async pid => table[pid],
})
const dead = (pid: number, nonce: string) => JSON.stringify({ pid, startTime: 1, nonce })
const take = (pid: number, table: Record<number, number>) =>
  takeAppLock({ home, processes: running(table), pid })

describe('the app lock', () => {
  it('is taken once, names its holder and is given back', async () => {
    const table = { 10: 1, 11: 1 }
    const first = await take(10, table)
    if (!first.ok) throw new Error(first.error.code)
    expect((await lstat(join(home, 'app.lock'))).mode & 0o777).toBe(0o600)
    expect(await take(11, table)).toEqual({ ok: false, error: { code: 'already-running', pid: 10, home } })
    await first.value.release()
    await first.value.release()
    expect(await readdir(home)).toEqual([])
    expect((await take(11, table)).ok).toBe(true)
  })

  it('passes from a dead holder, also when its pid was given to another process', async () => {
    expect((await take(10, { 10: 1 })).ok).toBe(true)
    expect((await take(11, { 11: 1 })).ok).toBe(true)
    expect((await take(12, { 11: 99, 12: 1 })).ok).toBe(true)
    expect(await readdir(home)).toEqual(['app.lock'])
    expect(JSON.parse(await readFile(join(home, 'app.lock'), 'utf8'))).toMatchObject({ pid: 12 })
  })

  it('is not given back by one that lost it', async () => {
    const first = await take(10, { 10: 1 })
    if (!first.ok) throw new Error(first.error.code)
    await take(11, { 11: 1 })
    await first.value.release()
    expect(await readdir(home)).toEqual(['app.lock'])
  })

  it.each(['', '{', 'null', '{"pid":"x"}', '{"pid":1,"nonce":"../../x"}'])(
    'passes from a file that nobody wrote whole: %j',
    async text => {
      await writeFile(join(home, 'app.lock'), text)
      expect((await take(10, { 1: 1, 10: 1 })).ok).toBe(true)
      expect(await readdir(home)).toEqual(['app.lock'])
    },
  )

  it('passes on when a successor died after its election', async () => {
    await writeFile(join(home, 'app.lock'), dead(5, 'n5'))
    await writeFile(join(home, 'app.lock.after-n5'), dead(6, 'n6'))
    await writeFile(join(home, 'app.lock.after-n6'), dead(7, 'n7'))
    expect((await take(10, { 10: 1 })).ok).toBe(true)
    expect(await readdir(home)).toEqual(['app.lock'])
    expect(JSON.parse(await readFile(join(home, 'app.lock'), 'utf8'))).toMatchObject({ pid: 10 })
  })

  it('yields to a successor that is taking over at this moment', async () => {
    await writeFile(join(home, 'app.lock'), dead(5, 'n5'))
    await writeFile(join(home, 'app.lock.after-n5'), dead(6, 'n6'))
    expect(await take(10, { 6: 1, 10: 1 })).toMatchObject({ error: { code: 'already-running', pid: 6 } })
  })

  it('goes to exactly one of many starts at once, from nothing and from a dead holder', async () => {
    const pids = Array.from({ length: 20 }, (_, i) => 100 + i)
    const table = Object.fromEntries(pids.map(pid => [pid, pid]))
    for (let round = 0; round < 40; round += 1) {
      await rm(join(home, 'app.lock'), { force: true })
      if (round % 2 === 0) await writeFile(join(home, 'app.lock'), dead(5, `n${round}`))
      const taken = await Promise.all(pids.map(pid => take(pid, table)))
      expect(taken.filter(result => result.ok)).toHaveLength(1)
      expect(await readdir(home)).toEqual(['app.lock'])
    }
  })

  it('starts again when the dead holder was replaced between the look and the election', async () => {
    await writeFile(join(home, 'app.lock'), dead(5, 'n5'))
    let swapped = false
    const looked = takeAppLock({
      home,
      pid: 10,
      processes: {
        startTime: async () => 1,
        alive(pid) {
          // Another start takes over, and finishes, right after this one saw the dead holder.
          if (!swapped) {
            swapped = true
            writeFileSync(join(home, 'x'), dead(20, 'n20'))
            renameSync(join(home, 'x'), join(home, 'app.lock'))
          }
          return pid !== 5
        },
      },
    })
    expect(await looked).toMatchObject({ error: { code: 'already-running', pid: 20 } })
    expect(await readdir(home)).toEqual(['app.lock'])
  })

  it('passes to the one that its holder names it to, without a moment in which it is free', async () => {
    const table = { 10: 1, 11: 1, 12: 1 }
    const first = await take(10, table)
    if (!first.ok) throw new Error(first.error.code)
    const heir = (pid: number, inherits: string) =>
      takeAppLock({ home, processes: running(table), pid, inherits })
    expect(await heir(11, 'another')).toMatchObject({ error: { code: 'already-running', pid: 10 } })
    expect((await heir(11, first.value.nonce)).ok).toBe(true)
    expect(await heir(12, first.value.nonce)).toMatchObject({ error: { code: 'already-running', pid: 11 } })
    await first.value.release()
    expect(JSON.parse(await readFile(join(home, 'app.lock'), 'utf8'))).toMatchObject({ pid: 11 })
    expect(await readdir(home)).toEqual(['app.lock'])
  })

  it('is not held by what came with a copy of a home whose core runs', async () => {
    const table = { 10: 1, 11: 1 }
    const [first, copy] = [join(home, 'first'), join(home, 'copy')]
    await mkdir(first)
    const takeIn = (folder: string, pid: number) =>
      takeAppLock({ home: folder, processes: running(table), pid })
    expect((await takeIn(first, 10)).ok).toBe(true)
    await cp(first, copy, { recursive: true })
    expect((await takeIn(copy, 11)).ok).toBe(true)
    expect(JSON.parse(await readFile(join(copy, 'app.lock'), 'utf8'))).toMatchObject({ pid: 11 })
    expect(JSON.parse(await readFile(join(first, 'app.lock'), 'utf8'))).toMatchObject({ pid: 10 })
  })

  it('is still held in a home that was moved while its core runs', async () => {
    const table = { 10: 1, 11: 1 }
    const [first, moved] = [join(home, 'first'), join(home, 'moved')]
    await mkdir(first)
    await takeAppLock({ home: first, processes: running(table), pid: 10 })
    await rename(first, moved)
    expect(await takeAppLock({ home: moved, processes: running(table), pid: 11 })).toEqual({
      ok: false,
      error: { code: 'already-running', pid: 10, home: moved },
    })
  })

  it('tells a folder that takes no file', async () => {
    const gone = join(home, 'none')
    expect(await takeAppLock({ home: gone, processes: running({ 10: 1 }), pid: 10 })).toEqual({
      ok: false,
      error: { code: 'home-unusable', path: gone, reason: 'it does not exist' },
    })
  })
})
