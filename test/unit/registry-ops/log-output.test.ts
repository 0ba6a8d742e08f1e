import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  createReadStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openLogger } from '../../../registry/log/logger.ts'
import { eventually } from '../../fakes/eventually.ts'

const source = new URL('../../../registry/log/logger.ts', import.meta.url).href
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-registry-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A process of its own whose outputs are sockets, as a service manager may give them. */
async function loggedTo(output: string): Promise<{ stdout: string; stderr: string }> {
  const script = `const { openLogger } = await import(${JSON.stringify(source)})
    const log = openLogger('info', ${JSON.stringify(output)})
    log.line('a line')
    await log.flush()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const heard = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => {
    heard.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    heard.stderr += chunk
  })
  await new Promise(done => child.on('close', done))
  return heard
}

describe('log.output', () => {
  it('as a name of standard output or error is that, whatever stands behind it', async () => {
    const link = join(folder, 'link')
    symlinkSync('/dev/stderr', link)
    const [out, proc, error] = await Promise.all([
      loggedTo('/dev/stdout'),
      loggedTo('/proc/self/fd/1'),
      loggedTo(link),
    ])
    expect([out.stdout, proc.stdout, error.stderr]).toEqual(['a line\n', 'a line\n', 'a line\n'])
    expect(() => openLogger('info', '/dev/fd/9')).toThrow('only to standard output or error')
  })

  it('as a named pipe does not wait for a reader', async () => {
    const pipe = join(folder, 'pipe')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    const log = openLogger('info', pipe)
    log.line('a line')
    await log.flush()
    expect(spawnSync('head', ['-n', '1', pipe], { encoding: 'utf8' }).stdout).toBe('a line\n')
  })

  it('that takes nothing costs bounded memory; what was dropped is counted and told when there is room', async () => {
    const pipe = join(folder, 'full')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    const log = openLogger('info', pipe, 64 * 1024)
    const text = 'x'.repeat(8191)
    for (let count = 0; count < 50; count++) log.line(text)
    expect(log.dropped()).toBeGreaterThan(0)
    const reader = createReadStream(pipe)
    let read = ''
    reader.on('data', bytes => {
      read += bytes.toString()
    })
    await eventually(() => read.includes('lines were dropped'))
    reader.destroy()
    expect(read).toContain(`"${log.dropped()} lines were dropped`)
    expect(read.match(/x\n/g)).toHaveLength(50 - log.dropped())
  })

  it('takes lines that come while others are being written, also when nothing comes after them', async () => {
    const file = join(folder, 'slow')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const log = openLogger('info', file)
      log.line('first')
      // The write begins, and cannot end before the event loop turns.
      vi.advanceTimersByTime(50)
      log.line('second')
      vi.advanceTimersByTime(50)
    } finally {
      vi.useRealTimers()
    }
    await eventually(() => readFileSync(file, 'utf8') === 'first\nsecond\n')
  })

  it('without anything to write is flushed at once', async () => {
    const log = openLogger('info', join(folder, 'empty'))
    const startedAt = performance.now()
    await log.flush()
    log.line('a line')
    await log.flush()
    await log.flush()
    expect(performance.now() - startedAt).toBeLessThan(400)
    expect(readFileSync(join(folder, 'empty'), 'utf8')).toBe('a line\n')
  })

  it('as a file that is there is appended to, and keeps its mode', async () => {
    const file = join(folder, 'log')
    writeFileSync(file, 'before\n')
    chmodSync(file, 0o664)
    const log = openLogger('info', file)
    log.line('a line')
    await log.flush()
    expect(readFileSync(file, 'utf8')).toBe('before\na line\n')
    expect(statSync(file).mode & 0o777).toBe(0o664)
  })
})
