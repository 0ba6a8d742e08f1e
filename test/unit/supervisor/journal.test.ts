import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../../contract/registry-state.ts'
import { standardJournalLimits as limits, openJournal } from '../../../core/supervisor/journal.ts'

let folder: string
let file: string
let aside: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-journal-'))
  file = join(folder, 'journal.jsonl')
  aside = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const open = (change: Partial<typeof limits> = {}) =>
  openJournal(
    file,
    { ...limits, ...change },
    ({ keptAs }) => aside.push(keptAs),
    reason => {
      throw new Error(reason)
    },
  )
const entry = (n: number, more: Partial<JournalEntry> = {}): JournalEntry => ({
  id: `id-${n}`,
  at: n,
  cause: 'crashed',
  lastLines: [],
  ...more,
})

describe('the journal', () => {
  it('of a folder that is none is kept in memory, and says what is wrong', async () => {
    writeFileSync(join(folder, 'file'), '')
    const failed: string[] = []
    const journal = await openJournal(
      join(folder, 'file', 'journal.jsonl'),
      limits,
      () => {},
      reason => failed.push(reason),
    )
    await journal.add(entry(1))
    expect(journal.newest()).toEqual([entry(1)])
    expect(failed.join()).toContain('ENOTDIR')
  })

  it('that cannot be read is not replaced by what is known', async () => {
    // A folder in its place fails to be read as a broken disk does.
    mkdirSync(file)
    const failed: string[] = []
    const journal = await openJournal(
      file,
      { ...limits, entries: 2 },
      () => {},
      reason => failed.push(reason),
    )
    for (const n of [1, 2, 3, 4]) await journal.add(entry(n))
    expect(journal.newest()).toHaveLength(4)
    expect(failed[0]).toContain('EISDIR')
    expect(statSync(file).isDirectory()).toBe(true)
  })

  it('keeps entries, newest first, and the newest of an id', async () => {
    const first = await open()
    await first.add(entry(1))
    await first.add(entry(2, { exit: { kind: 'code', code: 3 } }))
    await first.add(entry(1, { downMs: 400 }))
    expect(first.newest()).toEqual([entry(2, { exit: { kind: 'code', code: 3 } }), entry(1, { downMs: 400 })])
    expect((await open()).newest()).toEqual(first.newest())
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(aside).toEqual([])
  })

  it('knows a registry again that ended because its data folder went', async () => {
    await (await open()).add(entry(1, { cause: 'data-lost', downMs: 4000 }))
    expect((await open()).newest()).toEqual([entry(1, { cause: 'data-lost', downMs: 4000 })])
    expect(aside).toEqual([])
  })

  it('shows the newest 20 and keeps within its limits', async () => {
    const journal = await open({ entries: 50 })
    for (let n = 0; n < 120; n++) await journal.add(entry(n))
    expect(journal.newest()).toHaveLength(20)
    expect(journal.newest()[0]).toEqual(entry(119))
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(51)
    const wide = await open({ bytes: 10_000 })
    for (let n = 200; n < 300; n++) await wide.add(entry(n, { lastLines: ['x'.repeat(500)] }))
    expect(statSync(file).size).toBeLessThanOrEqual(10_600)
    expect(wide.newest()[0]?.id).toBe('id-299')
  })

  it('sets a file aside that it cannot read whole, and goes on with what it could', async () => {
    const journal = await open()
    await journal.add(entry(1))
    appendFileSync(file, 'not json\n{"id":"x","at":"soon"}\n')
    appendFileSync(file, `${JSON.stringify(entry(2))}\n{"id":"torn`)
    const again = await open()
    expect(again.newest()).toEqual([entry(2), entry(1)])
    expect(aside).toHaveLength(1)
    expect(readFileSync(aside[0] ?? '', 'utf8')).toContain('not json')
    expect((await open()).newest()).toEqual([entry(2), entry(1)])
    expect(aside).toHaveLength(1)
  })

  it('survives being something else entirely', async () => {
    writeFileSync(file, Buffer.from([0, 255, 254, 10, 13, 0]))
    const journal = await open()
    await journal.add(entry(1))
    expect(journal.newest()).toEqual([entry(1)])
    expect(existsSync(aside[0] ?? '')).toBe(true)
  })
})
