// `npm run test:chaos`: the randomised tests at ten times the size, and one closing line. ZOTBAR_CHAOS_SEEDS and
// ZOTBAR_CHAOS_FIRST name another range of seeds.
import { prepare } from './prepare.mjs'

const { bin, end, run, vitestReport } = await prepare()
const { args, env, reportIn } = vitestReport('chaos')
run(
  'chaos',
  bin('vitest'),
  ['run', '--project', 'integration', 'test/chaos/', ...args],
  { ZOTBAR_CHAOS: '1', ...env },
  reportIn,
)
end()
