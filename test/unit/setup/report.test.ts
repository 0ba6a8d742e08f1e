import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closing, inOneLine, ofPlaywright, type Report } from '../../setup/report.mjs'

const root = join(import.meta.dirname, '..', '..', '..')
const clean: Report = { passed: 0, failed: [], flaky: [], skipped: [], broken: [] }

describe('the closing lines', () => {
  it('name what failed last, right before the count', () => {
    const unit = {
      passed: 7,
      failed: [{ file: 'a.test.ts', name: 'a > b', error: 'expected 1 to be 2' }],
      flaky: [{ file: 'a.test.ts', name: 'a > c', error: 'too slow' }],
      skipped: [{ file: 's.test.ts', name: 'needs it', reason: 'not root', tests: 3 }],
      broken: [{ file: 'a.test.ts', error: 'rejected' }],
    }
    const end = closing([
      { title: 'lint', ended: 'exit 1' },
      { title: 'unit', ended: 'exit 1', report: unit },
      { title: 'e2e', ended: 'SIGKILL and no report (ENOENT)' },
    ])
    expect(end).toEqual({
      ok: false,
      lines: [
        'skipped: unit > s.test.ts > needs it: not root',
        'flaky: unit > a.test.ts > a > c: too slow',
        'failed: lint ended with exit 1',
        'unhandled: unit > a.test.ts: rejected',
        'failed: unit > a.test.ts > a > b: expected 1 to be 2',
        'failed: e2e ended with SIGKILL and no report (ENOENT)',
        '7 passed, 1 failed, 3 skipped',
      ],
    })
  })

  it('tell a command that failed though every test passed', () => {
    const report = { ...clean, passed: 2, broken: [{ error: 'rejected' }] }
    expect(closing([{ title: 'unit', ended: 'exit 1', report }])).toEqual({
      ok: false,
      lines: [
        'unhandled: unit: rejected',
        'failed: unit ended with exit 1, without a failed test',
        '2 passed, 0 failed, 0 skipped',
      ],
    })
    expect(closing([{ title: 'unit', report: { ...clean, passed: 2 } }]).ok).toBe(true)
  })
})

it('an error is one line, with the counterexample of a property', () => {
  const message =
    '\u001b[31mProperty failed after 3 tests\u001b[39m\n{ seed: 5, path: "2:1" }\nCounterexample: ["a"]\nShrunk'
  expect(inOneLine(message)).toBe(
    'Property failed after 3 tests | { seed: 5, path: "2:1" } | Counterexample: ["a"]',
  )
  expect(inOneLine('x'.repeat(2000)).length).toBeLessThan(500)
})

it('a run of Vitest tells failed, flaky, skipped and unhandled', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-report-'))
  try {
    const vitest = join(root, 'node_modules', 'vitest')
    const write = (name: string, text: string) =>
      writeFileSync(
        join(folder, name),
        `import { beforeAll, describe, expect, it } from ${JSON.stringify(join(vitest, 'dist', 'index.js'))}\n${text}`,
      )
    write('config.mjs', 'export default {}')
    write(
      'some.test.mjs',
      `it('passes', () => {})
      describe('group', () => { it('fails', () => { expect(1).toBe(2) }) })
      let attempts = 0
      it('second', () => { if (++attempts === 1) throw new Error('first time') })
      describe.skip('skips (nothing there)', () => { it('x', () => {}); it('y', () => {}) })
      it('gives up', context => context.skip('not today'))
      it('leaves', () => { void Promise.reject(new Error('left over')) })`,
    )
    write(
      'hook.test.mjs',
      `describe('hook', () => { beforeAll(() => { throw new Error('no start') }); it('x', () => {}) })`,
    )
    write('load.test.mjs', `throw new Error('cannot load')`)
    const file = join(folder, 'report.json')
    const ran = spawnSync(
      process.execPath,
      [
        join(vitest, 'vitest.mjs'),
        'run',
        '--root',
        folder,
        '--config',
        join(folder, 'config.mjs'),
        '--retry=1',
        `--reporter=${join(root, 'test', 'setup', 'vitest-report.mjs')}`,
      ],
      { env: { ...process.env, ZOTBAR_TEST_REPORT: file }, encoding: 'utf8' },
    )
    expect([ran.status, ran.stderr]).toEqual([1, expect.any(String)])
    const report: Report = JSON.parse(readFileSync(file, 'utf8'))
    const inOrder = report.failed.sort((a, b) => String(a.file).localeCompare(String(b.file)))
    expect({
      ...report,
      failed: inOrder,
      skipped: report.skipped.map(({ name, reason, tests }) => [name, tests, reason]).sort(),
    }).toEqual({
      passed: 3,
      failed: [
        { file: 'hook.test.mjs', name: 'hook', error: 'no start' },
        { file: 'load.test.mjs', name: '(the file itself)', error: 'cannot load' },
        { file: 'some.test.mjs', name: 'group > fails', error: 'expected 1 to be 2 // Object.is equality' },
      ],
      flaky: [{ file: 'some.test.mjs', name: 'second', error: 'first time' }],
      skipped: [
        ['gives up', 1, 'not today'],
        ['hook > x', 1, undefined],
        ['skips (nothing there)', 2, undefined],
      ],
      broken: [{ file: expect.stringContaining('some.test.mjs'), error: 'left over' }],
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('a run of Playwright tells the same', () => {
  const test = (status: string, ...results: string[]) => ({
    status,
    expectedStatus: status === 'skipped' ? 'skipped' : 'passed',
    annotations: [{ type: 'skip', description: 'only on macOS' }],
    results: results.map(result => ({ status: result, error: { message: `it ${result}` } })),
  })
  const spec = (title: string, ...tests: object[]) => ({ title, file: 'w.spec.ts', tests })
  expect(
    ofPlaywright({
      suites: [
        {
          title: 'w.spec.ts',
          specs: [spec('good', test('expected', 'passed')), spec('off', test('skipped', 'skipped'))],
          suites: [
            {
              title: 'window',
              specs: [
                spec('bad', test('unexpected', 'failed', 'failed')),
                spec('slow', test('flaky', 'timedOut', 'passed')),
              ],
            },
          ],
        },
      ],
      errors: [{ message: 'no browser', location: { file: 'x.ts' } }],
    }),
  ).toEqual({
    passed: 2,
    failed: [{ file: 'w.spec.ts', name: 'window > bad', error: 'it failed' }],
    flaky: [{ file: 'w.spec.ts', name: 'window > slow', error: 'it timedOut' }],
    skipped: [{ file: 'w.spec.ts', name: 'off', reason: 'only on macOS', tests: 1 }],
    broken: [{ file: 'x.ts', error: 'no browser' }],
  })
})
