// npm run bench -- [NAME...] [--quick] [--noise]: measures what Zotbar promises, beside docker-registry in the same run.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { appFiles } from './app.ts'
import { type Bench, missing, type Row } from './figure.ts'
import { figures } from './figures.ts'
import { circumstances, writeReport } from './report.ts'
import { ourEngine, oursSide, peerSide } from './side.ts'
import { table } from './table.ts'
import { createWorkspace } from './workspace.ts'

const usage = `npm run bench -- [NAME...] [--quick] [--noise]
  --quick   fewer and shorter rounds, smaller stores
  --noise   the peer on both sides: how far from 1.00x a ratio is by chance
Figures: ${figures.map(figure => `\n  ${figure.name.padEnd(10)} ${figure.about}`).join('')}`

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        noise: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const unknown = positionals.filter(name => !figures.some(figure => figure.name === name))
    if (unknown.length > 0) throw new Error(`There is no figure ${unknown.join(', ')}.`)
    return { ...values, names: positionals }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`)
    process.exit(2)
  }
}

const { quick = false, noise = false, help = false, names } = readArguments()
if (help) {
  console.log(usage)
  process.exit(0)
}

const at = new Date()
const busyBefore = loadavg()[0] ?? 0
const work = await createWorkspace()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    console.error(`\n${signal}: ending what was started`)
    work.dispose().finally(() => process.exit(130))
  })

const peer = peerSide()
const engine = noise ? undefined : ourEngine()
const bench: Bench = {
  quick,
  work,
  ours: noise ? peer : engine && oursSide(engine),
  peer,
  engine,
  app: noise ? undefined : appFiles(),
  say: line => console.error(line),
}
const about = { quick, noise, ...(await circumstances(peer?.name)) }
const measured: Row[] = []
const skips: { figure: string; why: string }[] = []
let failed = false
try {
  for (const figure of figures.filter(({ name }) => names.length === 0 || names.includes(name))) {
    console.error(`${figure.name}: ${figure.about} ...`)
    const outcome = await figure.run(bench).catch((error: Error) => {
      failed = true
      return { ok: false, skipped: `it failed: ${error.message}` } as const
    })
    if (outcome.ok) measured.push(...outcome.rows)
    else skips.push({ figure: figure.name, why: outcome.skipped })
  }
} finally {
  await work.dispose()
}
if (measured.length > 0) console.log(`\n${table(measured)}`)
if (!peer)
  skips.push({
    figure: 'peer',
    why: missing.peer,
  })
if (busyBefore > 0.7)
  console.log(
    `\nThe machine was busy before the first figure (load ${busyBefore.toFixed(1)}): judge by ratios and least values.`,
  )
for (const { figure, why } of skips) console.log(`skipped ${figure}: ${why}`)
console.log(`\nWritten to ${await writeReport(at, about, measured, skips)}`)
process.exit(failed ? 1 : 0)
