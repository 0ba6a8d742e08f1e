// `npm test`: gets the real programs, builds, then lint, types, unit, integration and browser suites, and one closing line.
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { leftToChaos } from './left-to-chaos.mjs'
import { prepare } from './prepare.mjs'
import { ofPlaywright } from './report.mjs'
import { runPart } from './run-part.mjs'

const { bin, end, results, vitestReport } = await prepare()
/** In CI a failed test has a second attempt; one that needed it is told in the closing lines. */
const retries = process.env.CI === 'true' ? 1 : 0

const vitest = (project, options) => {
  const { args, ...report } = vitestReport(project)
  const excluded = leftToChaos.flatMap(file => ['--exclude', file])
  const command = ['run', '--project', project, `--retry=${retries}`, ...excluded, ...args]
  return runPart(project, bin('vitest'), command, { ...report, ...options })
}
const playwright = suite => {
  const file = join(results, `${suite}.json`)
  const config = join('test', suite, 'playwright.config.ts')
  return runPart(
    suite,
    bin('playwright'),
    ['test', '--config', config, `--retries=${retries}`, '--reporter=list,json'],
    { env: { PLAYWRIGHT_JSON_OUTPUT_NAME: file }, reportIn: { file, read: ofPlaywright } },
  )
}

/** What computes takes the processor time that the waiting of the integration tests leaves. */
const isYielding = true
async function besideIntegration() {
  const parts = [await runPart('lint', bin('biome'), ['check', '.'], { isYielding })]
  for (const part of globSync('**/tsconfig.json', { exclude: ['node_modules', 'dist'] })
    .map(dirname)
    .sort())
    parts.push(await runPart(`types of ${part}`, bin('tsc'), ['-p', part], { isYielding }))
  parts.push(await runPart('dead code', bin('knip'), ['--no-progress'], { isYielding }))
  parts.push(await vitest('unit', { isYielding }))
  for (const suite of ['e2e', 'electron']) parts.push(await playwright(suite))
  return parts
}

const [beside, integration] = await Promise.all([besideIntegration(), vitest('integration')])
end([...beside, integration])
