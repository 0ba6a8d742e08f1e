import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createLineSplitter,
  type LogBatch,
  type LogLimits,
  lastLinesOf,
  standardLogLimits,
} from '../../../core/platform/log-lines.ts'
import { createLogFile, type LogFile } from '../../../core/supervisor/log-file.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let folder: string
let file: string
let log: LogFile | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-log-'))
  file = join(folder, 'logs', 'registry.log')
})
afterEach(async () => {
  await log?.close()
  log = undefined
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

function open(limits: Partial<LogLimits> = {}) {
  log = createLogFile(file, systemClock(), { ...standardLogLimits, intervalMs: 20, ...limits })
  const batches: LogBatch[] = []
  log.follow(batch => batches.push(batch))
  const lines = () => batches.flatMap(batch => batch.lines)
  const dropped = () => batches.reduce((sum, batch) => sum + batch.dropped, 0)
  return { log, batches, lines, dropped }
}

describe('lines', () => {
  it('are cut across chunks and across characters', () => {
    const bytes = Buffer.from('größe\nzwei 🙂 Zeilen\r\nRest')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const cutter = createLineSplitter(100)
      const lines = [...cutter.push(bytes.subarray(0, cut)), ...cutter.push(bytes.subarray(cut))]
      expect(lines).toEqual(['größe', 'zwei 🙂 Zeilen'])
      expect(cutter.push(Buffer.from(' hier\n'))).toEqual(['Rest hier'])
    }
  })

  it('are bounded, and what is too long is marked', () => {
    const cutter = createLineSplitter(5)
    expect(cutter.push(Buffer.from('123456789\n12345\n'))).toEqual(['12345…', '12345'])
    for (let n = 0; n < 1000; n++) expect(cutter.push(Buffer.alloc(1000, 'x'))).toEqual([])
    expect(cutter.push(Buffer.from('\nnext\n'))).toEqual(['xxxxx…', 'next'])
  })
})

describe('the last lines', () => {
  it('are read from the end of a file of any size', async () => {
    const big = join(folder, 'big')
    writeFileSync(big, Array.from({ length: 200_000 }, (_, n) => `line ${n}\n`).join(''))
    expect(await lastLinesOf(big, 2)).toEqual(['line 199998', 'line 199999'])
    expect(await lastLinesOf(big, 50_000)).toHaveLength(50_000)
    const { size } = statSync(big)
    expect(await lastLinesOf(big, 5, { from: size - 12 })).toEqual(['line 199999'])
    expect(await lastLinesOf(big, 1, { from: size + 1 })).toEqual(['line 199999'])
    expect(await lastLinesOf(join(folder, 'none'), 5)).toEqual([])
  })
})

describe('the log', () => {
  it('is private, is followed, and a new process begins on a line of its own', async () => {
    const opened = open()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'logs')).mode & 0o777).toBe(0o700)
    appendFileSync(file, 'one\ntwo\nhalf')
    await eventually(() => opened.lines().length === 2)
    const output = opened.log.openForAppend()
    writeSync(output, 'three\n')
    closeSync(output)
    await eventually(() => opened.lines().length === 4)
    expect(opened.lines()).toEqual(['one', 'two', 'half', 'three'])
  })

  it('is followed after somebody truncated or replaced it', async () => {
    const opened = open()
    appendFileSync(file, 'before\n')
    await eventually(() => opened.lines().length === 1)
    truncateSync(file, 0)
    appendFileSync(file, 'after\n')
    await eventually(() => opened.lines().at(-1) === 'after')
    rmSync(file)
    writeFileSync(file, 'new\n')
    await eventually(() => opened.lines().at(-1) === 'new')
  })

  it('is rotated by copy and truncate, so that the writer goes on, and marks stay right', async () => {
    const opened = open({ maxBytes: 1000, retained: 2 })
    const output = opened.log.openForAppend()
    const write = (from: number) => {
      for (let n = from; n < from + 30; n++) writeSync(output, `line ${n} ${'.'.repeat(40)}\n`)
    }
    for (const from of [0, 30, 60, 90]) {
      write(from)
      await eventually(() => statSync(file).size === 0)
    }
    const mark = opened.log.mark()
    writeSync(output, 'the last\n')
    closeSync(output)
    await eventually(() => opened.lines().at(-1) === 'the last')
    expect(opened.lines()).toHaveLength(121)
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual([
      'registry.log',
      'registry.log.1',
      'registry.log.2',
    ])
    expect(statSync(`${file}.1`).mode & 0o777).toBe(0o600)
    expect(await opened.log.linesSince(mark)).toEqual(['the last'])
    const tail = await opened.log.tail(3)
    expect(tail.map(line => line.slice(0, 8))).toEqual(['line 118', 'line 119', 'the last'])
  })

  it('keeps a bound in a flood, and says how much it left out', async () => {
    const opened = open({ batchLines: 10, batchBytes: 10_000, maxBytes: 50_000_000 })
    appendFileSync(file, 'short\n'.repeat(100_000))
    appendFileSync(file, 'end\n')
    await eventually(() => opened.lines().at(-1) === 'end')
    expect(Math.max(...opened.batches.map(batch => batch.lines.length))).toBeLessThanOrEqual(10)
    expect(opened.dropped()).toBeGreaterThan(90_000)
    expect(opened.dropped()).toBeLessThan(110_000)
  })

  it('of a flood is rotated to its newest part only', async () => {
    open({ maxBytes: 1000, retained: 1 })
    appendFileSync(file, `${'x'.repeat(99)}\n`.repeat(10_000))
    await eventually(() => statSync(file).size === 0)
    expect(readFileSync(`${file}.1`).length).toBe(1000)
  })
})
