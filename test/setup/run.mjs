// `npm test`: gets the real programs, builds, then lint, types, unit, integration and browser suites, and one closing line.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, isStale } from '../../build/bundle.mjs'
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
let failed = false
const counts = { passed: 0, failed: 0, skipped: 0 }

function run(title, command, args, env = {}) {
  const started = Date.now()
  console.log(`\n== ${title}`)
  const done = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  console.log(
    `== ${title}: ${done.status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s`,
  )
  if (done.status !== 0) failed = true
}

run('lint', bin('biome'), ['check', '.'])
for (const part of ['preload', 'main', 'registry', 'renderer', 'test'])
  run(`types of ${part}`, bin('tsc'), ['-p', part])

for (const project of ['unit', 'integration']) {
  const file = join(results, `${project}.json`)
  run(project, bin('vitest'), [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ])
  if (existsSync(file)) {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    counts.passed += report.numPassedTests
    counts.failed += report.numFailedTests
    counts.skipped += report.numPendingTests + (report.numTodoTests ?? 0)
  }
}
for (const suite of ['e2e', 'electron']) {
  const config = join('test', suite, 'playwright.config.ts')
  if (!existsSync(config)) continue
  const file = join(results, `${suite}.json`)
  run(suite, bin('playwright'), ['test', '--config', config, '--reporter=list,json'], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: file,
  })
  if (existsSync(file)) {
    const { stats } = JSON.parse(readFileSync(file, 'utf8'))
    counts.passed += stats.expected + stats.flaky
    counts.failed += stats.unexpected
    counts.skipped += stats.skipped
  }
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(failed || counts.failed > 0 ? 1 : 0)
