import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPrograms, type Programs } from '../fakes/zot/programs.ts'
import { killDelays, sampleOf } from './samples.ts'
import { createCase, createTable, forwardLines, type UpgradeCase } from './upgrade-cases.ts'

const cases = forwardLines.flatMap(line =>
  killDelays(line.startsWith('applying') ? [0, 40] : [0]).map(after => ({ line, after })),
)
const table = createTable('kill -9 of the app on the way forward', cases.length)

let programs: Programs
let one: UpgradeCase
beforeAll(() => {
  programs = createPrograms()
})
afterEach(() => one.rig.end())
afterAll(() => {
  programs.end()
  table.print()
})

describe('kill -9 of the app at each line of the journal of an upgrade', () => {
  it.each(sampleOf(cases))('at "$line" and $after ms', { timeout: 240_000 }, async ({ line, after }) => {
    one = await createCase(programs)
    const { app, rig } = one
    const upgrading = one.upgrade('good')
    await one.seen(line)
    if (after > 0) await new Promise(done => setTimeout(done, after))
    app.kill('SIGKILL')
    await app.exited
    await upgrading
    const next = rig.start()
    await next.reach('serving')
    const { result, version } = await one.whole()
    // From the swap on it goes on to its end; before it, back.
    const swapped = forwardLines.indexOf(line) >= forwardLines.indexOf('applying swap')
    if (swapped) expect(result).toBe('done')
    table.add(line.padEnd(20), `+${after} ms`, `${result}, ${version} serves`)
  })
})
