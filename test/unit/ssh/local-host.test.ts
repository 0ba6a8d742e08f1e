import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandResult } from '../../../ssh/host.ts'
import { localHost } from '../../../ssh/local-host.ts'
import { createOutputBuffer } from '../../../ssh/run-command.ts'
import { eventually } from '../../fakes/eventually.ts'

const limitMs = 60_000
let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-hosts-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const here = (environment: Record<string, string> = { PATH: process.env['PATH'] ?? '' }) =>
  localHost({ home, environment, graceMs: 300 })
const stdoutOf = (ran: CommandResult): string => ('stdout' in ran ? ran.stdout : JSON.stringify(ran))

describe('a command on this computer', () => {
  it('gets its input and answers output and exit code', async () => {
    const ran = await here().run({ line: 'cat; echo no >&2; exit 3', stdin: 'in\n', limitMs })
    expect(ran).toEqual({ kind: 'ended', code: 3, stdout: 'in\n', stderr: 'no\n' })
    expect(await here().run({ line: 'kill -9 $$', limitMs })).toMatchObject({ kind: 'ended', code: 137 })
    expect(await here().run({ line: 'no-such-program', limitMs })).toMatchObject({ code: 127 })
  })

  it('may leave its input unread', async () => {
    const ran = await here().run({ line: 'exec <&-; echo done', stdin: Buffer.alloc(1_000_000), limitMs })
    expect(ran).toMatchObject({ kind: 'ended', code: 0, stdout: 'done\n' })
  })

  it('shows its input to nobody: not in its arguments, not in its environment', async () => {
    const secret = 'marker-of-a-secret'
    const ran = await here().run({
      line: 'read it; tr "\\0" "\\n" </proc/$$/cmdline; tr "\\0" "\\n" </proc/$$/environ; env',
      stdin: `${secret}\n`,
      limitMs,
    })
    expect(JSON.stringify(ran)).not.toContain(secret)
  })

  it('gets the allow-list, the ssh-agent and the usual folders', async () => {
    const environment = {
      PATH: process.env['PATH'] ?? '',
      SECRET_TOKEN: 'x',
      SSH_AUTH_SOCK: '/agent',
      LANG: 'C',
    }
    const lines = stdoutOf(await here(environment).run({ line: 'env', limitMs })).split('\n')
    expect(lines).toContain('SSH_AUTH_SOCK=/agent')
    expect(lines).toContain('LANG=C')
    expect(lines.filter(line => line.startsWith('SECRET'))).toEqual([])
    expect(lines.find(line => line.startsWith('PATH='))).toContain(join(home, '.local', 'bin'))
  })

  it('runs in its folder, or says what is wrong with it', async () => {
    expect(stdoutOf(await here().run({ line: 'pwd', folder: '~/', limitMs })).trim()).toBe(home)
    writeFileSync(join(home, 'a-file'), '')
    const reasons = []
    for (const folder of ['absent', 'a-file']) {
      const ran = await here().run({ line: 'true', folder, limitMs })
      reasons.push(ran.kind === 'not-started' ? ran.error : ran)
    }
    expect(reasons).toEqual([
      { code: 'file-unusable', path: join(home, 'absent'), reason: 'it does not exist' },
      { code: 'file-unusable', path: join(home, 'a-file'), reason: 'it is not a folder' },
    ])
  })

  it('does not wait for what it left running', async () => {
    const ran = await here().run({ line: 'sleep 50 & echo $!', limitMs })
    expect(ran).toMatchObject({ kind: 'ended', code: 0 })
    process.kill(Number(stdoutOf(ran)))
  })

  it.each(['too-slow', 'cancelled'] as const)('is ended with all that it started when %s', async how => {
    const cancel = new AbortController()
    const pids: number[] = []
    const ran = await here().run({
      line: `sleep 300 & echo $!; (trap '' TERM; sleep 300) & echo $!; echo $$; echo begun; wait`,
      limitMs: how === 'too-slow' ? 2000 : limitMs,
      signal: cancel.signal,
      onOutput: lines => {
        pids.push(...lines.filter(line => /^\d+$/.test(line)).map(Number))
        if (how === 'cancelled' && lines.includes('begun')) cancel.abort()
      },
    })
    expect(ran).toMatchObject({ kind: how, stdout: expect.stringContaining('begun') })
    expect(pids).toHaveLength(3)
    await eventually(() => pids.every(pid => !runs(pid)))
  })

  it('is not begun when it was cancelled before', async () => {
    const ran = await here().run({ line: 'touch never', limitMs, signal: AbortSignal.abort() })
    expect(ran.kind).toBe('cancelled')
    expect(readdirSync(home)).not.toContain('never')
  })
})

describe('a file of this computer', () => {
  it('is copied whole and private, or not at all', async () => {
    const from = join(home, 'from')
    const to = join(home, 'to')
    writeFileSync(from, Buffer.alloc(300_000, 'abc'), { mode: 0o755 })
    expect(await here().fetchFile('~/from', to, { maxBytes: 300_000, limitMs })).toEqual({
      ok: true,
      value: null,
    })
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true)
    expect(statSync(to).mode & 0o777).toBe(0o600)
    rmSync(to)
    const all = [
      await here().fetchFile('from', to, { maxBytes: 299_999, limitMs }),
      await here().fetchFile('absent', to, { maxBytes: 1, limitMs }),
      await here().fetchFile('.', to, { maxBytes: 1, limitMs }),
      await here().fetchFile('from', to, { maxBytes: 300_000, limitMs, signal: AbortSignal.abort() }),
      await here().fetchFile('from', join(home, 'no', 'to'), { maxBytes: 300_000, limitMs }),
    ]
    expect(all.map(one => !one.ok && 'reason' in one.error && one.error.reason)).toEqual([
      'it has 300000 bytes, and at most 299999 are taken',
      'it does not exist',
      'it is not a file',
      false,
      'it does not exist',
    ])
    expect(all[3]).toEqual({ ok: false, error: { code: 'cancelled' } })
    expect(readdirSync(home).filter(name => name.startsWith('to'))).toEqual([])
  })
})

describe('an output', () => {
  it('is passed on by whole lines, whatever its parts are, and kept to its last 64 KiB', () => {
    const lines: string[] = []
    const output = createOutputBuffer(some => lines.push(...some))
    for (const byte of Buffer.from('größe\r\n1 %\r2 %\rdone\n\nrest')) output.append(Buffer.from([byte]))
    output.end()
    expect(lines).toEqual(['größe', '1 %', '2 %', 'done', 'rest'])
    for (let i = 0; i < 300; i++) output.append(Buffer.alloc(1024, String(i % 10)))
    expect(output.text()).toHaveLength(64 * 1024)
    expect(output.text().endsWith('9')).toBe(true)
  })

  it('passes on a line without end in parts', () => {
    const lengths: number[] = []
    const output = createOutputBuffer(some => lengths.push(...some.map(line => line.length)))
    output.append(Buffer.alloc(20_000, 'x'))
    output.end()
    expect(lengths).toEqual([8192, 8192, 20_000 - 2 * 8192])
  })
})

/** Whether a process is there and no zombie. */
function runs(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
    .stdout.toString()
    .trim()
  return state !== '' && !state.startsWith('Z')
}
