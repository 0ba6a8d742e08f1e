import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createZotInspector } from '../../../core/engine/known-zots.ts'
import { type ProgramResult, runProgram } from '../../../core/engine/run-program.ts'
import { findZots, inspectZot, verifyWithZot, zotEngine } from '../../../core/engine/zot.ts'
import { checkBinary } from '../../../core/platform/binary.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-zot-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const elfMachine: Record<string, number> = { x64: 62, arm64: 183 }
function elf(arch: string): Buffer {
  const head = Buffer.alloc(64)
  head.writeUInt32BE(0x7f454c46, 0)
  head[4] = 2
  head[5] = 1
  head.writeUInt16LE(elfMachine[arch] ?? 8, 18)
  return head
}
function mach(cpu: number): Buffer {
  const head = Buffer.alloc(64)
  head.writeUInt32BE(0xcffaedfe, 0)
  head.writeUInt32LE(cpu, 4)
  return head
}
async function file(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, bytes)
  await chmod(path, 0o700)
  return path
}
/** A program of this very machine, as far as its first bytes go. */
const own = (): Buffer =>
  process.platform === 'darwin' ? mach(process.arch === 'arm64' ? 16_777_228 : 16_777_223) : elf(process.arch)
const line = '{"level":"info","message":"version","commit":"v2.1.15-0-gabcdef","go version":"go1.25"}\n'
const zot = (path: string) => ({ path, usable: true as const })
const ends =
  (output: string, code = 0) =>
  async (): Promise<ProgramResult> => ({ kind: 'ended', code, output })
const never = async (): Promise<ProgramResult> => {
  throw new Error('it was run')
}

describe('the file', () => {
  const linux = { platform: 'linux', arch: 'x64' } as const
  it.each([
    ['elf', () => elf('x64'), linux, true],
    ['elf for another machine', () => elf('arm64'), linux, 'arm64'],
    ['elf on macOS', () => elf('x64'), { platform: 'darwin', arch: 'x64' } as const, 'Mach-O'],
    ['mach-o', () => mach(16_777_228), { platform: 'darwin', arch: 'arm64' } as const, true],
    ['script', () => Buffer.from('#!/bin/sh\nexit 0\n'), linux, 'script'],
    ['zip', () => Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]), linux, 'a zip archive'],
    ['gzip', () => gzipSync('zot'), linux, 'a gzip archive'],
    ['tar', () => Buffer.concat([Buffer.alloc(257), Buffer.from('ustar')]), linux, 'a tar archive'],
    [
      'xz',
      () => Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(9)]),
      linux,
      'an xz archive',
    ],
    ['a page', () => Buffer.from('\n<!DOCTYPE html><title>Not found</title>'), linux, 'an HTML page'],
    ['an answer', () => Buffer.from('{"message":"Not Found"}'), linux, 'a text file'],
    ['noise', () => Buffer.alloc(60, 7), linux, 'neither'],
    ['nothing', () => Buffer.alloc(0), linux, 'empty'],
  ])('%s', async (_, bytes, machine, wanted) => {
    const checked = await checkBinary(await file('zot', bytes()), machine)
    if (wanted === true) expect(checked).toEqual({ ok: true })
    else expect(checked).toEqual({ ok: false, reason: expect.stringContaining(String(wanted)) })
  })

  it('that is cut off', async () => {
    const whole = elf('x64')
    whole.writeBigUInt64LE(64n, 32)
    whole.writeUInt16LE(56, 54)
    whole.writeUInt16LE(1, 56)
    const segment = Buffer.alloc(56)
    segment.writeBigUInt64LE(0n, 8)
    segment.writeBigUInt64LE(1000n, 32)
    const all = Buffer.concat([whole, segment, Buffer.alloc(880)])
    expect(await checkBinary(await file('zot', all), linux)).toEqual({ ok: true })
    expect(await checkBinary(await file('zot', all.subarray(0, 900)), linux)).toEqual({
      ok: false,
      reason: 'it is cut off: 900 of at least 1000 bytes are there',
    })
    const mac = mach(16_777_228)
    mac.writeUInt32LE(1, 16)
    const command = Buffer.alloc(72)
    command.writeUInt32LE(0x19, 0)
    command.writeUInt32LE(72, 4)
    command.writeBigUInt64LE(500n, 40)
    command.writeBigUInt64LE(500n, 48)
    const program = Buffer.concat([mac.subarray(0, 32), command, Buffer.alloc(896)])
    const apple = { platform: 'darwin', arch: 'arm64' } as const
    expect(await checkBinary(await file('zot', program), apple)).toEqual({ ok: true })
    expect(await checkBinary(await file('zot', program.subarray(0, 999)), apple)).toMatchObject({
      reason: expect.stringContaining('cut off'),
    })
  })

  it('that is missing, or a folder', async () => {
    expect(await checkBinary(join(folder, 'no'))).toMatchObject({ ok: false, reason: 'it does not exist' })
    expect(await checkBinary(folder)).toMatchObject({ ok: false })
  })

  it('is not run when it is no program', async () => {
    const path = await file('zot', '#!/bin/sh\n')
    const inspected = await inspectZot(path, {}, never)
    expect(inspected).toMatchObject({ usable: false })
    expect(await verifyWithZot(inspected, '/c.json', {}, { run: never })).toMatchObject({
      error: { code: 'engine-unusable', path },
    })
  })
})

describe('the version', () => {
  it('in the form of zot is what makes a program a zot; without its number, as of v2.1.10, it is one too', async () => {
    const path = await file('zot', own())
    expect(await inspectZot(path, {}, ends(`noise\n${line}`))).toEqual({ ...zot(path), version: 'v2.1.15' })
    expect(await inspectZot(path, {}, ends(line.replace('v2.1.15-0-gabcdef', '')))).toEqual(zot(path))
    const full = line.replace('"go version"', '"binary-type":"-search-ui","go version"')
    expect(await inspectZot(path, {}, ends(full))).toMatchObject({ features: ['search', 'ui'] })
    expect(await inspectZot(path, {}, ends(full.replace('-search-ui', 'minimal')))).toMatchObject({
      features: [],
    })
  })

  it('in any other form is that of another program, which is run for nothing more', async () => {
    const path = await file('zot', own())
    // Homebrew's zot, a program that knows no --version, one that logs, and one that says nothing.
    for (const output of ['zot 1.4.2\n', 'Error: unknown flag: --version\n', '{"message":"version"}', '']) {
      const inspected = await inspectZot(path, {}, ends(output))
      expect(inspected).toMatchObject({ usable: false, reason: expect.stringContaining('another program') })
      expect(await verifyWithZot(inspected, '/c.json', {}, { run: never })).toMatchObject({
        error: { code: 'engine-unusable', path, reason: expect.stringContaining('not the zot registry') },
      })
    }
    expect(await inspectZot(path, {}, async () => ({ kind: 'too-slow' }))).toMatchObject({ usable: false })
  })

  it('is asked for once, as long as the file stays the same', async () => {
    const path = await file('zot', own())
    let asked = 0
    const inspect = createZotInspector(async () => {
      asked += 1
      return zot(path)
    })
    await inspect(path, {})
    await inspect(path, {})
    expect(asked).toBe(1)
    await file('zot', Buffer.concat([own(), own()]))
    await inspect(path, {})
    expect(asked).toBe(2)
  })

  it('decides the question that shows it is alive', () => {
    expect(zotEngine('/zot', 'v2.1.5').livenessPath).toBe('/v2/')
    expect(zotEngine('/zot', 'v2.1.6').livenessPath).toBe('/livez')
    expect(zotEngine('/zot', undefined).livenessPath).toBe('/v2/')
    expect(zotEngine('/zot', 'v2.1.15').drainsItself).toBe(false)
  })
})

describe('a program', () => {
  const run = (code: string, limitMs = 60_000) =>
    runProgram(process.execPath, ['-e', code], { environment: {}, timeoutMs: limitMs })

  it('is run to its end, or killed when its time is over', async () => {
    expect(await run('console.log(1); console.error(2); process.exit(3)')).toMatchObject({
      kind: 'ended',
      code: 3,
      output: expect.stringMatching(/^(1\s+2|2\s+1)\s+$/),
    })
    expect(await run('setInterval(() => {}, 1000)', 200)).toEqual({ kind: 'too-slow' })
    expect(await runProgram('/no/such', [], { environment: {}, timeoutMs: 60_000 })).toMatchObject({
      kind: 'not-started',
    })
  })
})

describe('where zot is found', () => {
  it('in the settings, in the home (the newest first), on PATH; each once', async () => {
    const path = (name: string) => join(folder, name)
    for (const name of ['home/engines/zot/v2.1.9/zot', 'home/engines/zot/v2.1.15/zot', 'bin/zot'])
      await file(name, own())
    const places = {
      named: path('named'),
      home: path('home'),
      environment: { PATH: `${path('bin')}:relative:${path('bin')}` },
    }
    expect(await findZots(places, (path, environment) => inspectZot(path, environment, ends(line)))).toEqual([
      { path: path('named'), usable: false, reason: 'it does not exist' },
      ...['home/engines/zot/v2.1.15/zot', 'home/engines/zot/v2.1.9/zot', 'bin/zot'].map(name => ({
        path: path(name),
        usable: true,
        version: 'v2.1.15',
      })),
    ])
  })
})

describe('verify', () => {
  it('quotes what zot says against the config', async () => {
    const path = await file('zot', own())
    const output =
      '{"level":"error","message":"invalid config file","error":"unknown key teapot"}\nUsage: zot\n'
    expect(await verifyWithZot(zot(path), '/c.json', {}, { run: ends(output, 1) })).toEqual({
      ok: false,
      error: {
        code: 'config-invalid',
        file: '/c.json',
        faults: [{ message: 'zot verify: invalid config file: unknown key teapot' }],
      },
    })
    expect(await verifyWithZot(zot(path), '/c.json', {}, { run: ends('', 0) })).toEqual({
      ok: true,
      value: null,
    })
    expect(
      await verifyWithZot(zot(path), '/c.json', {}, { run: ends('Error: no\nUsage:\n  -h', 1) }),
    ).toMatchObject({
      error: { code: 'config-invalid', faults: [{ message: 'zot verify: no' }] },
    })
  })

  it('that breaks off is no word about the file: the panic is quoted, not its stack', async () => {
    const path = await file('zot', own())
    const trace = [
      'panic: open /no/such/folder/zot.log: no such file or directory',
      '',
      'goroutine 1 [running]:',
      'main.main()',
      '\tzotregistry.dev/zot/v2/cmd/zot/main.go:10',
    ]
    const broke = await verifyWithZot(zot(path), '/c.json', {}, { run: ends(trace.join('\n'), 2) })
    expect(broke).toMatchObject({ ok: false, error: { code: 'engine-unusable', path } })
    expect(JSON.stringify(broke)).toContain('/c.json: open /no/such/folder/zot.log')
    expect(JSON.stringify(broke)).not.toContain('main.go')
    const killed = async (): Promise<ProgramResult> => ({
      kind: 'ended',
      code: 128,
      output: 'x',
      signal: 'SIGSEGV',
    })
    expect(await verifyWithZot(zot(path), '/c.json', {}, { run: killed })).toMatchObject({
      error: {
        code: 'engine-unusable',
        reason: 'zot verify was ended by SIGSEGV while it looked at /c.json',
      },
    })
    expect(await inspectZot(path, {}, killed)).toMatchObject({
      usable: false,
      reason: expect.stringContaining('it crashed (SIGSEGV)'),
    })
  })

  it('may open its standard output by path, as log.output /dev/stdout has it do', async () => {
    const ran = await runProgram('/bin/sh', ['-c', 'echo told; echo said >>/dev/stdout; echo more >&2'], {
      environment: { PATH: '/usr/bin:/bin' },
      timeoutMs: 10_000,
    })
    expect(ran).toEqual({ kind: 'ended', code: 0, output: 'told\nsaid\nmore\n' })
  })
})
