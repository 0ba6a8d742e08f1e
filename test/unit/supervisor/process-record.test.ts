import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessTable } from '../../../core/platform/process-table.ts'
import {
  identify,
  identifyYoung,
  type ProcessRecord,
  readRecord,
  writeRecord,
} from '../../../core/supervisor/process-record.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { target } from './drive.ts'

const record: ProcessRecord = {
  pid: 50,
  startTime: 1234,
  spawnedAt: 1_000_000,
  executable: '/usr/bin/node',
  configFile: '/c/config.json',
  engine: 'zotbar-registry',
  place: target,
  logFrom: 0,
}

const table = (change: Partial<ProcessTable> = {}): ProcessTable => ({
  alive: pid => pid === 50,
  startTime: async () => 1234,
  executable: async () => '/usr/bin/node',
  commandLine: async () => ['node', 'x.mjs', 'serve', '/c/config.json'],
  owner: async () => 0,
  portOwner: async () => ({ pid: 50, startedAt: 1_000_900 }),
  holders: async () => [],
  keptBy: async () => undefined,
  ...change,
})

const of = (change: Partial<ProcessTable> = {}, recorded: Partial<ProcessRecord> = {}) =>
  identify({ ...record, ...recorded }, '/c/config.json', table(change))

describe('the identity of a recorded process', () => {
  it('matches in all five', async () => {
    expect(await of()).toEqual({ pid: 50, startTime: 1234, ownsPort: true })
    expect(await of({ executable: async () => '/usr/bin/node (deleted)' })).toBeDefined()
  })

  it('matches while it is still starting and nobody owns the port', async () => {
    expect(await of({ portOwner: async () => undefined })).toEqual({
      pid: 50,
      startTime: 1234,
      ownsPort: false,
    })
  })

  it.each<[string, Partial<ProcessTable>]>([
    ['dead', { alive: () => false }],
    ['younger', { startTime: async () => 1235 }],
    ['unreadable', { startTime: async () => undefined }],
    ['another program', { executable: async () => '/usr/bin/perl' }],
    ['a program that may not be looked at', { executable: async () => undefined }],
    ['on another config', { commandLine: async () => ['node', 'x.mjs', 'serve', '/c/other.json'] }],
    ['not the owner of the port', { portOwner: async () => ({ pid: 51 }) }],
    ['on a port of another user', { portOwner: async () => ({ user: 'eva' }) }],
  ])('does not match: %s', async (_, change) => {
    expect(await of(change)).toBeUndefined()
  })

  it('does not match where the record came with a copy of the home, and matches where the home was moved', async () => {
    const made = { path: '/h', folder: '1:2' }
    const at = (home: { path: string; folder: string }) =>
      identify({ ...record, home: made }, '/c/config.json', table(), home)
    expect(await at({ path: '/copy', folder: '1:3' })).toBeUndefined()
    expect(await at({ path: '/moved', folder: '1:2' })).toBeDefined()
    expect(await at({ path: '/h', folder: '9:9' })).toBeDefined()
    expect(await identify(record, '/c/config.json', table(), made)).toBeDefined()
  })

  it('without a recorded start time rests on when the owner of the port started', async () => {
    const { startTime: _, ...early } = record
    const at = (startedAt: number | undefined) =>
      identify(
        early,
        '/c/config.json',
        table({ portOwner: async () => ({ pid: 50, ...(startedAt ? { startedAt } : {}) }) }),
      )
    expect(await at(1_001_500)).toBeDefined()
    expect(await at(1_900_000)).toBeUndefined()
    expect(await at(undefined)).toBeDefined()
  })

  it('does not match a record of another config', async () => {
    expect(await of({}, { configFile: '/c/old.json' })).toBeUndefined()
  })

  it('without a recorded pid is the owner of the port, waited for while the start is young', async () => {
    const { pid: _, startTime: __, ...intent } = record
    const clock = fakeClock(record.spawnedAt + 100)
    let listening = false
    const processes = table({
      portOwner: async () => (listening ? { pid: 50, startedAt: 1_000_900 } : undefined),
    })
    const found = identifyYoung(intent, '/c/config.json', processes, clock)
    await clock.advance(500)
    listening = true
    await clock.advance(50)
    expect(await found).toEqual({ pid: 50, startTime: 1234, ownsPort: true })

    listening = false
    const given = identifyYoung(intent, '/c/config.json', processes, clock)
    await clock.advance(4000)
    expect(await given).toBeUndefined()
    const late = table({ portOwner: async () => ({ pid: 50, startedAt: 9_000_000 }) })
    expect(await identifyYoung(intent, '/c/config.json', late, clock)).toBeUndefined()
  })
})

describe('the record of a process that an older Zotbar started', () => {
  it.each([
    ['http://:::5050', '::', 'http://127.0.0.1:5050', '127.0.0.1'],
    ['http://:5050', '', 'http://127.0.0.1:5050', '127.0.0.1'],
    ['https://fd00::1:5050', 'fd00::1', 'https://[fd00::1]:5050', '[fd00::1]'],
  ])('leads to where it can be asked: %s', async (url, host, asked, at) => {
    const folder = await mkdtemp(join(tmpdir(), 'record-'))
    const file = join(folder, 'registry.json')
    writeRecord(file, { ...record, place: { url, host, port: 5050 } })
    const read = await readRecord(file, () => {})
    expect(read?.place).toEqual({ url: asked, host: at, listen: host, port: 5050 })
    await rm(folder, { recursive: true })
  })
})
