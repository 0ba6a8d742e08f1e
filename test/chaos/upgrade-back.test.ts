import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../fakes/eventually.ts'
import { createPrograms, type Programs } from '../fakes/zot/programs.ts'
import { killDelays, sampleOf } from './samples.ts'
import { backLines, createCase, createTable, stepIds, type UpgradeCase } from './upgrade-cases.ts'

let programs: Programs
let one: UpgradeCase | undefined
beforeAll(() => {
  programs = createPrograms()
})
afterEach(async () => {
  await one?.rig.end()
  one = undefined
})
afterAll(() => programs.end())

describe('kill -9 of the app at each line of the journal while an upgrade goes back', () => {
  const cases = backLines.flatMap(line =>
    killDelays(line.startsWith('undoing') ? [0, 40] : [0]).map(after => ({ line, after })),
  )
  const table = createTable('kill -9 of the app on the way back', cases.length)
  afterAll(table.print)

  it.each(sampleOf(cases))('at "$line" and $after ms', { timeout: 240_000 }, async ({ line, after }) => {
    one = await createCase(programs)
    const { app, rig } = one
    const upgrading = one.upgrade('loses-tag')
    await one.seen(line)
    if (after > 0) await new Promise(done => setTimeout(done, after))
    app.kill('SIGKILL')
    await app.exited
    await upgrading
    const next = rig.start()
    await next.reach('serving')
    const { result, version } = await one.whole()
    expect(result).toBe('rolled-back')
    table.add(line.padEnd(20), `+${after} ms`, `${result}, ${version} serves`)
  })
})

describe('kill -9 of the registry in each step of an upgrade', () => {
  const table = createTable('kill -9 of the registry', stepIds.length)
  afterAll(table.print)

  it.each(sampleOf(stepIds))('in "%s"', { timeout: 240_000 }, async step => {
    one = await createCase(programs)
    const upgrading = one.upgrade('good')
    await one.seen(`applying ${step}`)
    // In this step it is only now begun.
    const pid = step === 'start' ? await eventually(one.registryPid) : one.registryPid()
    const killed = pid !== undefined && kill(pid)
    await upgrading
    const { result, version } = await one.whole()
    table.add(step.padEnd(20), killed ? 'killed' : 'nothing ran', `${result}, ${version} serves`)
  })
})

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

const mounted = (folder: string, size: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder]).status === 0
const canMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-mount-'))
  const can = mounted(folder, '1m')
  if (can) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true, force: true })
  return can
})()

describe.skipIf(!canMount)(
  'a disk that is full from each step of an upgrade on (needs root, for a small volume)',
  () => {
    const table = createTable('disk full', stepIds.length)
    let volume: string
    const usual = process.env['TMPDIR']
    beforeAll(() => {
      volume = mkdtempSync(join(tmpdir(), 'zotbar-volume-'))
    })
    afterAll(() => {
      rmSync(volume, { recursive: true, force: true })
      table.print()
    })
    afterEach(async () => {
      await one?.rig.end()
      one = undefined
      spawnSync('umount', ['-l', volume])
    })

    it.each(sampleOf(stepIds))('in "%s"', { timeout: 240_000 }, async step => {
      expect(mounted(volume, '700m')).toBe(true)
      process.env['TMPDIR'] = volume
      one = await createCase(programs).finally(() => {
        if (usual === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = usual
      })
      const { app, rig } = one
      const upgrading = one.upgrade('good')
      await one.seen(`applying ${step}`)
      const filler = fill(join(volume, 'filler'))
      const told = await upgrading
      const said = told.stdout.trim().split('\n').at(-1) ?? ''
      rmSync(filler)
      app.kill('SIGKILL')
      await app.exited
      const next = rig.start()
      await next.reach('serving')
      const { result, version } = await one.whole()
      const first = (JSON.parse(said) as { result?: string }).result ?? 'unknown'
      table.add(step.padEnd(20), `first ${first}`, `${result}, ${version} serves`)
    })
  },
)

/** Takes all the room that is left. */
function fill(file: string): string {
  const handle = openSync(file, 'w')
  for (const size of [8 * 1024 * 1024, 4096, 1])
    try {
      const zeros = Buffer.alloc(size)
      for (;;) if (writeSync(handle, zeros) < size) break
    } catch {
      // No room for one of this size.
    }
  closeSync(handle)
  return file
}
