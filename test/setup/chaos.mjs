// `npm run test:chaos`: the randomised tests at ten times the size, what `npm test` leaves out, and one closing line. ZOTBAR_CHAOS_SEEDS and
// ZOTBAR_CHAOS_FIRST name another range of seeds.
import { leftToChaos } from './left-to-chaos.mjs'
import { prepare } from './prepare.mjs'
import { runPart } from './run-part.mjs'

const { bin, end, vitestReport } = await prepare()
/** What `npm test` takes samples of, or leaves out. */
const tests = ['test/chaos/', 'test/integration/keeper/table.test.ts', ...leftToChaos]
const { args, env, reportIn } = vitestReport('chaos')
end([
  await runPart('chaos', bin('vitest'), ['run', '--project', 'integration', ...tests, ...args], {
    env: { ZOTBAR_CHAOS: '1', ...env },
    reportIn,
  }),
])
