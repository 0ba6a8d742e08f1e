// `npm test`: gets the real programs, builds, then lint, types, unit, integration and browser suites, and one closing line.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, isStale } from '../../build/bundle.mjs'
import { closing, ofPlaywright } from './report.mjs'
import { install, missingTools } from './tools.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `Node 24 is needed for the tests; this is ${process.version}. Run npm ci again without --omit=optional.`,
  )
  process.exit(1)
}
const missing = install(missingTools())
if (missing.length > 0) {
  console.error(`Missing: ${missing.join(', ')}. Suites that need them are reported as skipped.`)
  if (process.env.CI === 'true') {
    console.error('In CI a skipped suite is a failure.')
    process.exit(1)
  }
}
if (isStale()) await bundle()

const results = join(root, 'test-results')
mkdirSync(results, { recursive: true })
const bin = name => join(root, 'node_modules', '.bin', name)
const parts = []
/** In CI a failed test has a second attempt; one that needed it is told in the closing lines. */
const retries = process.env.CI === 'true' ? 1 : 0

function run(title, command, args, env = {}, reportIn) {
  if (reportIn !== undefined) rmSync(reportIn.file, { force: true })
  const started = Date.now()
  console.log(`\n== ${title}`)
  const done = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const well = done.status === 0
  console.log(`== ${title}: ${well ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  const part = { title }
  if (!well) part.ended = done.error?.message ?? done.signal ?? `exit ${done.status}`
  if (reportIn !== undefined) {
    try {
      part.report = reportIn.read(JSON.parse(readFileSync(reportIn.file, 'utf8')))
    } catch (error) {
      part.ended = `${part.ended ?? 'exit 0'} and no report (${error.message})`
    }
  }
  parts.push(part)
}

run('lint', bin('biome'), ['check', '.'])
for (const part of ['preload', 'main', 'registry', 'renderer', 'test'])
  run(`types of ${part}`, bin('tsc'), ['-p', part])

for (const project of ['unit', 'integration']) {
  const file = join(results, `${project}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test', 'setup', 'vitest-report.mjs')}`]
  run(
    project,
    bin('vitest'),
    ['run', '--project', project, `--retry=${retries}`, ...reporters],
    { ZOTBAR_TEST_REPORT: file },
    { file, read: report => report },
  )
}
for (const suite of ['e2e', 'electron']) {
  const file = join(results, `${suite}.json`)
  run(
    suite,
    bin('playwright'),
    [
      'test',
      '--config',
      join('test', suite, 'playwright.config.ts'),
      `--retries=${retries}`,
      '--reporter=list,json',
    ],
    { PLAYWRIGHT_JSON_OUTPUT_NAME: file },
    { file, read: ofPlaywright },
  )
}
const end = closing(parts)
console.log(`\n${end.lines.join('\n')}`)
process.exit(end.ok ? 0 : 1)
