// What every run of tests needs first, and how one suite after the other is run and counted.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeMissing, runsOnThisNode } from '../../build/bin/pinned-node.mjs'
import { bundle, isStale } from '../../build/bundle.mjs'
import { closing } from './report.mjs'
import { install, missingTools } from './tools.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const results = join(root, 'test-results')

/** Gets the real programs and builds; answers how to run. Ends the process where that cannot be done. */
export async function prepare() {
  process.chdir(root)
  if (!runsOnThisNode()) {
    console.error(nodeMissing())
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
  mkdirSync(results, { recursive: true })
  const parts = []
  return {
    results,
    bin: name => join(root, 'node_modules', '.bin', name),
    /** Runs a command; `reportIn` is `{file, read}`: where its report is, and what makes it one for the closing lines. */
    run: (title, command, args, env = {}, reportIn) =>
      parts.push(runPart(title, command, args, env, reportIn)),
    /** Arguments and environment with which vitest writes a report, and where that is. */
    vitestReport: name => {
      const file = join(results, `${name}.json`)
      return {
        args: ['--reporter=default', `--reporter=${join(root, 'test', 'setup', 'vitest-report.mjs')}`],
        env: { ZOTBAR_TEST_REPORT: file },
        reportIn: { file, read: report => report },
      }
    },
    /** Prints the closing lines and ends the process. */
    end: () => {
      const { lines, ok } = closing(parts)
      console.log(`\n${lines.join('\n')}`)
      process.exit(ok ? 0 : 1)
    },
  }
}

function runPart(title, command, args, env, reportIn) {
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
  return part
}
