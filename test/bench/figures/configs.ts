import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { inspectZot } from '../../../core/engine/zot.ts'
import {
  configsIn,
  type Verdict,
  type Verdicts,
  verdictsOn,
  withoutPlaceholders,
} from '../config-verdicts.ts'
import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { summary } from '../stats.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const registry = join(root, 'dist/registry/zotbar-registry.mjs')

/** Why one takes what the other refuses, by what the one that refuses says. */
const reasons: [RegExp, string][] = [
  [
    /needs the zot engine/,
    'zotbar-registry does not do it, and serves nothing in a way that was not asked for',
  ],
  [
    /open to other machines/,
    'nobody is asked who they are: zotbar-registry serves it once somebody agreed (registry.open)',
  ],
  [/it does not exist/, 'a file that it names is not there: zot verify does not look, and serve then fails'],
  [
    /names the folder on this machine/,
    'all of its data is in a bucket: Zotbar looks after a data folder on this machine',
  ],
  [/does not start with zot/, 'zot verify takes it, and zot serve then fails'],
  [/so the kernel would choose/, 'port 0: no client could rely on an address that changes with each start'],
]

/** Config files of zot's examples and of our fixtures: what zot verify takes, beside Zotbar. */
export const configs: Figure = {
  name: 'configs',
  about: 'config files taken or refused, beside zot verify (ZOTBAR_TEST_ZOT_NEW, ZOTBAR_TEST_ZOT_EXAMPLES)',
  async run({ work, say }) {
    const program = process.env['ZOTBAR_TEST_ZOT_NEW'] ?? ''
    if (program === '') return skipped('ZOTBAR_TEST_ZOT_NEW names no zot')
    if (!existsSync(registry)) return skipped(missing.ours)
    const zot = await inspectZot(program, { PATH: process.env['PATH'] ?? '' })
    if (!zot.usable) return skipped(`${program}: ${zot.reason}`)
    const examples = (process.env['ZOTBAR_TEST_ZOT_EXAMPLES'] ?? '').split(':').filter(name => name !== '')
    const all: Verdicts[] = []
    for (const folder of [...examples, join(root, 'test/fixtures')])
      for (const found of await configsIn(folder)) {
        const file = await withoutPlaceholders(found, folder, await work.sub('config'))
        all.push({ name: relative(folder, found), ...(await verdictsOn(file, zot, registry)) })
      }
    const differences = all.flatMap(verdicts => [
      ...differenceOf(verdicts, 'zotbar', 'Zotbar with zot'),
      ...differenceOf(verdicts, 'zotbarRegistry', 'zotbar-registry'),
    ])
    const unexplained = differences.filter(({ isExplained }) => !isExplained).length
    for (const { row } of differences) say(`${row.name}: ${row.note}`)
    return rows(
      counted(
        `configs, ${zot.version}, Zotbar with zot`,
        all.map(({ zotbar }) => zotbar),
        all,
      ),
      counted(
        `configs, ${zot.version}, zotbar-registry`,
        all.map(({ zotbarRegistry }) => zotbarRegistry),
        all,
      ),
      {
        name: 'configs that differ without a reason',
        unit: 'count',
        better: 'less',
        ours: summary([unexplained]),
        target: { kind: 'at-most', value: 0 },
      },
      ...differences.map(({ row }) => row),
    )
  },
}

const counted = (name: string, ours: Verdict[], all: Verdicts[]): Row => ({
  name,
  unit: 'count',
  better: 'more',
  ours: summary([takenIn(ours)]),
  peer: summary([takenIn(all.map(({ zot }) => zot))]),
  note: `of ${all.length} config files, how many are taken; the peer is zot verify`,
})

const takenIn = (verdicts: Verdict[]): number => verdicts.filter(({ isTaken }) => isTaken).length

function differenceOf(
  verdicts: Verdicts,
  who: 'zotbar' | 'zotbarRegistry',
  title: string,
): { row: Row; isExplained: boolean }[] {
  const { name, zot } = verdicts
  const ours = verdicts[who]
  if (ours.isTaken === zot.isTaken) return []
  const why = !ours.isTaken ? ours.why : zot.isTaken ? '' : zot.why
  const found = why.split('\n').map(line => reasons.find(([pattern]) => pattern.test(line))?.[1])
  const isExplained = found.every(reason => reason !== undefined)
  const reason = isExplained ? [...new Set(found)].join('; ') : 'no reason is known'
  const row: Row = {
    name: `${name}, ${title}`,
    unit: 'count',
    better: 'more',
    ours: summary([ours.isTaken ? 1 : 0]),
    peer: summary([zot.isTaken ? 1 : 0]),
    note: `${reason} (${why.replaceAll('\n', ' | ')})`,
  }
  return [{ row, isExplained }]
}
