import { keepers as kinds } from '../../fakes/keepers/keeper-rig.ts'
import { events, happens, type Line } from '../../fakes/keepers/table.ts'
import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { summary } from '../stats.ts'

/** What serves after a kill, a quit or a logout, for each keeper of the core, and when: the table of the tests, timed. */
export const keepers: Figure = {
  name: 'keepers',
  about: 'who keeps the core: what serves after a kill or a quit, and when',
  async run({ quick, app, say }) {
    if (!app) return skipped(missing.app)
    const table: Row[] = []
    for (const by of kinds)
      for (const event of events) {
        const lines: Line[] = []
        for (let round = 0; round < (quick ? 1 : 3); round++) lines.push(await happens(by, event))
        const [first] = lines
        if (first === undefined) continue
        const silent = lines.flatMap(line => line.silentMs ?? [])
        const serves = `core ${first.outcome.core}, registry ${first.outcome.registry}`
        const gap = silent.length === 0 ? '' : `; no answer for ${Math.round(summary(silent).median)} ms`
        say(`${by}: ${event.name}: ${serves}`)
        table.push({
          name: `${by}: ${event.name}`,
          unit: 'ms',
          better: 'less',
          ours: summary(lines.map(line => line.settledMs)),
          note: `${serves}${gap}`,
        })
      }
    return rows(...table)
  },
}
