import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { standardLogLimits } from '../../../core/platform/log-lines.ts'
import { logOutputFault, logOutputOf } from '../../../core/registry-config/log-output.ts'
import { createOutputLog, type OutputLog } from '../../../core/registry-config/output-log.ts'
import { createLogFile } from '../../../core/supervisor/log-file.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let folder: string
let file: string
let log: OutputLog | undefined
let lines: string[]
let writer: number | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-output-'))
  file = join(folder, 'zot.log')
  lines = []
})
afterEach(async () => {
  await log?.close()
  if (writer !== undefined) closeSync(writer)
  ;[log, writer] = [undefined, undefined]
  rmSync(folder, { recursive: true, force: true })
})

function follow(path = file): OutputLog {
  log = createOutputLog(
    systemClock(),
    batch => lines.push(...batch.lines),
    message => lines.push(message),
  )
  log.use(path)
  return log
}
/** The engine, which opened the file once and goes on in it whatever is done to its name. */
function write(line: string): void {
  writer ??= openSync(file, 'a', 0o640)
  writeSync(writer, `${line}\n`)
}
/** Root could change the machine's own by a fault, so that it gets another. */
function nullDevice(): string {
  if (process.getuid?.() !== 0) return '/dev/null'
  const device = join(folder, 'null')
  spawnSync('mknod', [device, 'c', '1', '3'])
  return device
}
const until = (line: string) => eventually(() => lines.at(-1) === line)

describe('a log that config.json names', () => {
  it('is followed where the writer goes on in the file that was renamed away, and then in the new one', async () => {
    write('before')
    const registryLog = follow()
    write('one')
    await until('one')
    renameSync(file, `${file}.1`)
    writeFileSync(file, '')
    write('into the old one')
    await until('into the old one')
    expect(await registryLog.tail(2)).toEqual(['one', 'into the old one'])
    // Rotated once more, compressed and removed, as the writer still has the first.
    renameSync(file, `${file}.2`)
    writeFileSync(file, '')
    rmSync(`${file}.1`)
    write('without a name')
    await until('without a name')
    // A new engine opens the name.
    registryLog.use(file)
    appendFileSync(file, 'anew\n')
    await until('anew')
    expect(lines).toEqual(['one', 'into the old one', 'without a name', 'anew'])
    await eventually(async () => String(await registryLog.tail(9)) === 'anew')
  })

  it('is followed across copy and truncate, its removal, and where it comes later', async () => {
    const registryLog = follow()
    expect(await registryLog.tail(5)).toEqual([])
    write('first')
    await until('first')
    copyFileSync(file, `${file}.1`)
    truncateSync(file, 0)
    write('next')
    await until('next')
    rmSync(file)
    writeFileSync(file, 'new\n')
    await until('new')
    expect(lines).toEqual(['first', 'next', 'new'])
  })

  it('keeps its mode and size, whatever they are, and nothing is made beside it', async () => {
    writeFileSync(file, 'x'.repeat(3000))
    chmodSync(file, 0o664)
    const registryLog = follow()
    const absent = join(folder, 'no', 'such', 'file')
    await registryLog.tail(1)
    registryLog.use(absent)
    await registryLog.tail(1)
    expect([statSync(file).mode & 0o777, statSync(file).size]).toEqual([0o664, 3000])
    expect(readdirSync(folder)).toEqual(['zot.log'])
  })

  it.each(['/dev/stdout', '/dev/stderr', '/dev/fd/1', '/proc/self/fd/2', '/dev/../dev/./stdout'])(
    'is the output of the registry where it is %s, and never that of the app',
    async path => {
      symlinkSync(path, join(folder, 'link'))
      expect(logOutputOf(join(path))).toEqual({ kind: 'launch-log' })
      expect(logOutputOf(join(folder, 'link'))).toEqual({ kind: 'launch-log' })
      expect(await logOutputFault(join(path))).toBeUndefined()
      expect(follow(join(path)).tail(5)).toBe(undefined)
    },
  )

  it('says that nothing can be read back of a device, a pipe, or a descriptor of the registry', async () => {
    const pipe = join(folder, 'pipe')
    spawnSync('mkfifo', [pipe])
    const device = nullDevice()
    expect(await follow(device).tail(9)).toEqual([`(config.json discards the log: log.output is ${device})`])
    expect(await follow(pipe).tail(9)).toEqual([
      `(config.json sends the log to a named pipe, ${pipe}, and it is not read from there)`,
    ])
    expect(logOutputOf('/dev/fd/7')).toMatchObject({ kind: 'unreadable' })
    expect(lines).toEqual([])
  })

  it('is refused before a start where it cannot be opened, with what to do', async () => {
    expect(await logOutputFault(join(folder, 'no', 'zot.log'))).toEqual({
      keyPath: 'log.output',
      message: `the folder ${join(folder, 'no')} is not there: make it, or name another file`,
    })
    expect(await logOutputFault(folder)).toMatchObject({ message: `${folder} is a folder, not a file` })
    expect(await logOutputFault('/dev/fd/7')).toMatchObject({ keyPath: 'log.output' })
    for (const fine of [undefined, file, nullDevice()]) expect(await logOutputFault(fine)).toBeUndefined()
  })
})

describe("the app's own log", () => {
  it('leaves alone what a link in its place leads to: mode and size', async () => {
    const target = join(folder, 'target')
    writeFileSync(target, 'x'.repeat(5000))
    chmodSync(target, 0o644)
    symlinkSync(target, file)
    const limits = { ...standardLogLimits, bytes: 1000, every: 10 }
    const own = createLogFile(file, systemClock(), limits)
    const followed: string[] = []
    own.follow(batch => followed.push(...batch.lines))
    appendFileSync(file, '\nmore\n')
    await eventually(() => followed.at(-1) === 'more')
    await own.close()
    expect([statSync(target).mode & 0o777, statSync(target).size]).toEqual([0o644, 5006])
  })
})
