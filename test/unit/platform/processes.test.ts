import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { coversAddress, hasArgument } from '../../../core/platform/process-table.ts'
import {
  parseListeners,
  parseLocks,
  parseStat,
  parseUserName,
} from '../../../core/platform/processes-linux.ts'
import { addressOf, macProcesses, parseLsof, parseStarted } from '../../../core/platform/processes-mac.ts'
import { systemProcessTable } from '../../../core/platform/system-processes.ts'
import { eventually } from '../../fakes/eventually.ts'

describe.runIf(process.platform === 'linux')('on Linux', () => {
  const table = systemProcessTable('linux')

  test('this process', async () => {
    const { pid } = process
    expect(table.alive(pid)).toBe(true)
    expect(await table.executable(pid)).toBe(process.execPath)
    expect((await table.commandLine(pid))?.length).toBeGreaterThan(0)
    expect(await table.owner(pid)).toBe(process.getuid?.())
    expect(await table.startTime(pid)).toBeGreaterThan(0)
    expect(await table.startTime(pid)).toBe(await table.startTime(pid))
  })

  test('a pid that nobody has', async () => {
    const pid = 2 ** 22 + 1
    expect(table.alive(pid)).toBe(false)
    expect([
      await table.startTime(pid),
      await table.executable(pid),
      await table.commandLine(pid),
      await table.owner(pid),
    ]).toEqual([undefined, undefined, undefined, undefined])
  })

  test('a process is alive until it ends', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()', '--', 'an argument'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const { pid } = child
    if (pid === undefined) throw new Error('not spawned')
    expect(table.alive(pid)).toBe(true)
    expect((await table.commandLine(pid))?.at(-1)).toBe('an argument')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await eventually(() => !table.alive(pid))
  })

  test.each(['127.0.0.1', '0.0.0.0', '::1', '::'])('who listens on %s', async address => {
    const server = createServer()
    server.listen(0, address)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const asked = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
    const owner = await table.portOwner(port, asked)
    const hinted = await Promise.all(
      [process.pid, 1, 2 ** 22 + 1].map(likely => table.portOwner(port, asked, likely)),
    )
    server.close()
    await once(server, 'close')
    expect(hinted).toEqual([owner, owner, owner])
    expect(owner).toMatchObject({
      pid: process.pid,
      user: expect.any(String),
      command: expect.stringContaining('node'),
    })
    expect(Math.abs((owner?.startedAt ?? 0) - performance.timeOrigin)).toBeLessThan(30_000)
    // Somebody else may have got the port by now.
    expect((await table.portOwner(port, asked))?.pid).not.toBe(process.pid)
  })

  test('who has a file open, and who locks it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holders-'))
    const file = join(folder, 'meta.db')
    await writeFile(file, '')
    expect(await table.holders(file)).toEqual([])
    const handle = await open(file)
    expect(await table.holders(file)).toEqual([process.pid])
    await handle.close()
    const locker = spawn('flock', [file, 'sleep', '60'], { stdio: 'ignore', detached: true })
    const pid = locker.pid ?? 0
    await eventually(async () => (await table.holders(file)).includes(pid))
    process.kill(-pid, 'SIGKILL')
    await eventually(async () => (await table.holders(file)).length === 0)
    await rm(folder, { recursive: true })
    expect(await table.holders(file)).toEqual([])
  })
})

describe('what /proc says', () => {
  test('a program whose name holds brackets and spaces', () => {
    const fields = ['S', ...Array.from({ length: 18 }, () => '0'), '12345', '0']
    expect(parseStat(`42 (a) b) (c) ${fields.join(' ')}\n`)).toEqual({
      state: 'S',
      parent: 0,
      sinceBootMs: 123_450,
    })
    expect(parseStat('')).toBeUndefined()
  })

  test('listening sockets, both families', () => {
    const head =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
    const row = (local: string, state: string) =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000 100\n`
    expect(parseListeners(head + row('0100007F:13BA', '0A') + row('0100007F:9999', '01'))).toEqual([
      { address: '127.0.0.1', port: 5050, uid: 1000, inode: '4242' },
    ])
    const six = [
      '00000000000000000000000001000000',
      '00000000000000000000000000000000',
      '0000000000000000FFFF00000100007F',
    ]
    const found = parseListeners(head + six.map(address => row(`${address}:13BA`, '0A')).join(''))
    expect(found.map(({ address }) => address)).toEqual(['::1', '::', '127.0.0.1'])
  })

  test('which address answers for which', () => {
    expect(coversAddress('0.0.0.0', '127.0.0.1')).toBe(true)
    expect(coversAddress('127.0.0.1', '0.0.0.0')).toBe(true)
    expect(coversAddress('::1', 'localhost')).toBe(true)
    expect(coversAddress('192.168.1.2', '127.0.0.1')).toBe(false)
  })

  test('locks of one file, not of its namesake on another volume, nor those that wait', () => {
    const locks = [
      '1: FLOCK  ADVISORY  WRITE 100 08:01:77 0 EOF',
      '2: POSIX  ADVISORY  READ 101 08:01:77 0 EOF',
      '2: -> FLOCK  ADVISORY  WRITE 102 08:01:77 0 EOF',
      '3: FLOCK  ADVISORY  WRITE 103 08:02:77 0 EOF',
      '4: FLOCK  ADVISORY  WRITE 104 08:01:78 0 EOF',
    ].join('\n')
    expect(parseLocks(locks, { dev: 0x801, ino: 77 })).toEqual([100, 101])
  })

  test('names of users', () => {
    expect(parseUserName('root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/h:/bin/sh\n', 1000)).toBe('ann')
    expect(parseUserName('', 1000)).toBeUndefined()
  })
})

describe('on macOS', () => {
  const answers: Record<string, string> = {
    'ps lstart': 'Sun Mar  1 12:00:05 2026    \n',
    'ps comm': 'node\n',
    'ps command': '/usr/local/bin/zot serve /Users/ann/Library/Application Support/c.json\n',
    'ps uid': '  501\n',
    'lsof txt': 'p42\nn/opt/node/bin/node\nn/usr/lib/dyld\n',
    'lsof LISTEN': 'p42\ncnode\nLann\nf21\nn127.0.0.1:5050\np43\ncother\nLbob\nf3\nn*:5050\n',
    'lsof --': 'p99\nn/data/meta.db\np42\nn/data/meta.db\n',
  }
  const table = macProcesses(
    async (program, args) => {
      const line = `${program.split('/').at(-1)} ${args.join(' ')}`
      const key = Object.keys(answers).find(
        name =>
          name.split(' ').every(word => line.includes(word)) &&
          (!name.endsWith('comm') || line.includes('comm=')),
      )
      return key === undefined ? undefined : answers[key]
    },
    pid => pid === 42,
  )

  test('the fields of a process', async () => {
    expect(table.alive(42)).toBe(true)
    expect(await table.startTime(42)).toBe(Date.UTC(2026, 2, 1, 12, 0, 5))
    expect(await table.executable(42)).toBe('/opt/node/bin/node')
    expect(await table.owner(42)).toBe(501)
    const line = (await table.commandLine(42)) ?? []
    expect(hasArgument(line, '/Users/ann/Library/Application Support/c.json')).toBe(true)
    expect(hasArgument(line, '/Users/ann/Library')).toBe(false)
    expect(hasArgument(line, 'c.json')).toBe(false)
  })

  test('who listens: the exact address first', async () => {
    expect(await table.portOwner(5050, '127.0.0.1')).toMatchObject({
      pid: 42,
      user: 'ann',
      startedAt: expect.any(Number),
    })
    expect(await table.portOwner(5050, '::1')).toMatchObject({ pid: 43, user: 'bob' })
  })

  test('who holds a file', async () => {
    expect(await table.holders('/data/meta.db')).toEqual([42, 99])
  })

  test('nothing found', async () => {
    const empty = macProcesses(async () => undefined)
    expect([
      await empty.startTime(1),
      await empty.executable(1),
      await empty.commandLine(1),
      await empty.owner(1),
    ]).toEqual([undefined, undefined, undefined, undefined])
    expect(await empty.portOwner(1, '::1')).toBeUndefined()
    expect(await empty.holders('/x')).toEqual([])
  })

  test('the forms of the output', () => {
    expect(parseStarted('garbage')).toBeUndefined()
    expect(parseLsof('n/stray\np1\nczot\n')).toEqual([{ pid: 1, command: 'zot', names: [] }])
    expect(['[::1]:5050', '*:5050', '127.0.0.1:5050'].map(addressOf)).toEqual(['::1', '*', '127.0.0.1'])
  })
})
