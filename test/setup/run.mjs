// `npm test`: gets the real programs, builds, then lint, types, unit, integration and browser suites, and one closing line.
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { prepare } from './prepare.mjs'
import { ofPlaywright } from './report.mjs'

const { bin, end, results, run, vitestReport } = await prepare()
/** In CI a failed test has a second attempt; one that needed it is told in the closing lines. */
const retries = process.env.CI === 'true' ? 1 : 0

run('lint', bin('biome'), ['check', '.'])
for (const part of globSync('*/tsconfig.json').map(dirname).sort())
  run(`types of ${part}`, bin('tsc'), ['-p', part])
run('dead code', bin('knip'), ['--no-progress'])

for (const project of ['unit', 'integration']) {
  const { args, env, reportIn } = vitestReport(project)
  run(project, bin('vitest'), ['run', '--project', project, `--retry=${retries}`, ...args], env, reportIn)
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
end()
