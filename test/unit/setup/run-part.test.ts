import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Report } from '../../setup/report.mjs'
import { runPart } from '../../setup/run-part.mjs'

let folder: string
let printed: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-run-part-'))
  printed = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const node = (code: string): [string, string[]] => [process.execPath, ['-e', code]]
const report: Report = { passed: 2, failed: [], flaky: [], skipped: [], broken: [] }

describe('a part of a run', () => {
  it('prints its title before each line, and says how long it took', async () => {
    expect(
      await runPart(
        'unit',
        ...node("console.log('one\\ntwo'); console.error('three'); process.stdout.write('end')"),
      ),
    ).toEqual({ title: 'unit' })
    expect(printed[0]).toBe('== unit')
    expect(printed.slice(1, -1).toSorted()).toEqual(['unit: end', 'unit: one', 'unit: three', 'unit: two'])
    expect(printed.at(-1)).toMatch(/^== unit: ok in \d+ s$/)
  })

  it('prints all of a long output', async () => {
    await runPart('unit', ...node("console.log('x'.repeat(99).concat('\\n').repeat(20_000))"))
    expect(printed.filter(line => line === `unit: ${'x'.repeat(99)}`)).toHaveLength(20_000)
  })

  it.each([
    ['an exit code', ...node('process.exit(3)'), 'exit 3'],
    ['a signal', ...node("process.kill(process.pid, 'SIGKILL')"), 'SIGKILL'],
    ['a program that is not there', '/nowhere/program', [], 'spawn /nowhere/program ENOENT'],
  ])('tells %s', async (_, command, args, ended) => {
    expect(await runPart('unit', command, args, { isYielding: true })).toEqual({ title: 'unit', ended })
    expect(printed.at(-1)).toMatch(/^== unit: FAILED in \d+ s$/)
  })

  it('is not held up by a process that it left behind', { timeout: 20_000 }, async () => {
    const child = "['-e', 'setTimeout(() => {}, 30_000)'], { stdio: 'inherit', detached: true }"
    const { title, ended } = await runPart(
      'unit',
      ...node(
        `const child = require('child_process').spawn(process.execPath, ${child}); console.log(child.pid); child.unref()`,
      ),
    )
    expect({ title, ended }).toEqual({ title: 'unit' })
    process.kill(Number(printed.find(line => /^unit: \d+$/.test(line))?.slice(6)))
  })

  it('reads the report, and not the one of an earlier run', async () => {
    const file = join(folder, 'unit.json')
    const reportIn = { file, read: (json: unknown) => json as Report }
    const writing = `require('fs').writeFileSync(process.env.FILE, ${JSON.stringify(JSON.stringify(report))}); process.exit(1)`
    expect(await runPart('unit', ...node(writing), { env: { FILE: file }, reportIn })).toEqual({
      title: 'unit',
      ended: 'exit 1',
      report,
    })
    expect(await runPart('unit', ...node(''), { reportIn })).toEqual({
      title: 'unit',
      ended: expect.stringMatching(/^exit 0 and no report \(ENOENT/),
    })
    writeFileSync(file, 'no JSON')
    expect(await runPart('unit', ...node('process.exit(2)'), { reportIn })).toMatchObject({
      ended: expect.stringMatching(/^exit 2 and no report/),
    })
  })

  it('runs where it yields with what the others leave', async () => {
    await runPart('unit', ...node("setTimeout(() => console.log(require('os').getPriority()), 200)"), {
      isYielding: true,
    })
    expect(printed).toContain('unit: 10')
  })
})
