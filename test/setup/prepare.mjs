// What every run of tests needs first.
import { mkdirSync } from 'node:fs'
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
  return {
    results,
    bin: name => join(root, 'node_modules', '.bin', name),
    /** Arguments and environment with which vitest writes a report, and where that is. */
    vitestReport: name => {
      const file = join(results, `${name}.json`)
      return {
        args: ['--reporter=default', `--reporter=${join(root, 'test', 'setup', 'vitest-report.mjs')}`],
        env: { ZOTBAR_TEST_REPORT: file },
        reportIn: { file, read: report => report },
      }
    },
    /** Prints the closing lines of what `runPart` gave and ends the process. */
    end: parts => {
      const { lines, ok } = closing(parts)
      console.log(`\n${lines.join('\n')}`)
      process.exit(ok ? 0 : 1)
    },
  }
}
