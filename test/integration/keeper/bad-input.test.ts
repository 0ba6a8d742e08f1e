import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findCore } from '../../../client/find-core.ts'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { processExists } from '../../../lib/process-exists.ts'
import { eventually } from '../../fakes/eventually.ts'
import { KeeperRig } from '../../fakes/keepers/keeper-rig.ts'
import { core } from '../app/app-rig.ts'

let rig: KeeperRig
beforeEach(async () => {
  rig = await KeeperRig.make('app')
})
afterEach(() => rig.end())

const pidNow = async (): Promise<number | undefined> => {
  const found = await findCore(rig.home)
  return found.ok ? found.value?.pid : undefined
}

describe('starts at the same moment', () => {
  it.each([
    [2, 'terminal', 1],
    [20, 'terminal', 1],
    [20, 'service', 0],
  ] as const)(
    '%i of them with the keeper %s are one core, and each other one says which',
    async (count, keeper, code) => {
      const starts = Array.from({ length: count }, () => rig.startAnother(keeper))
      let others: Awaited<(typeof starts)[number]>[] = []
      for (const start of starts) void start.then(end => (others = [...others, end]))
      const refused = await eventually(() => others.length === count - 1 && others, 50_000)
      const pid = await eventually(pidNow)
      expect(readKeeper(rig.home)).toMatchObject({ keeper, pid })
      expect(refused.map(end => end.code)).toEqual(refused.map(() => code))
      for (const { said } of refused)
        expect(said).toMatch(new RegExp(`^.*[Pp]rocess ${pid} (runs it|has) .*$`, 'm'))
      const lines = refused.map(({ said }) => said.trimEnd().split('\n').length)
      expect(lines).toEqual(refused.map(() => (keeper === 'service' ? 1 : 3)))
      expect((await rig.rig.zotbar('quit')).code).toBe(0)
      const codes = (await Promise.all(starts)).map(end => end.code)
      expect(codes.filter(each => each === code)).toHaveLength(code === 0 ? count : count - 1)
      expect(readKeeper(rig.home)).toBeUndefined()
    },
  )
})

describe('a keeper file', () => {
  const write = (pid: number, keeper = 'app'): void => {
    mkdirSync(join(rig.home, 'run'), { recursive: true, mode: 0o700 })
    writeFileSync(join(rig.home, 'home.json'), '{"format":1}', { mode: 0o600 })
    const record = { keeper, pid, build: 'x', version: '0', startedAt: 1 }
    writeFileSync(join(rig.home, 'run', 'keeper.json'), JSON.stringify(record), { mode: 0o600 })
  }
  let other: ChildProcess
  beforeEach(() => {
    other = spawn('sleep', ['60'])
  })
  afterEach(() => void other.kill('SIGKILL'))

  it('of a core that is long gone, or that is no such file at all, is replaced by the next start', async () => {
    const gone = spawn('true')
    await new Promise(resolve => gone.on('exit', resolve))
    write(gone.pid ?? 0, 'terminal')
    await rig.start()
    expect(readKeeper(rig.home)).toMatchObject({ keeper: 'app', pid: await pidNow() })
    await rig.rig.zotbar('quit')
    writeFileSync(join(rig.home, 'run', 'keeper.json'), '{"keeper":"me"')
    await rig.startApp()
    expect(readKeeper(rig.home)).toMatchObject({ keeper: 'app', pid: await pidNow() })
  })

  it('that names another program keeps no core from starting, and that program is left alone', async () => {
    write(other.pid ?? 0)
    await rig.start()
    expect(await pidNow()).not.toBe(other.pid)
    // The pid of a core that died is given to another program before its app has looked.
    rig.kill('core')
    write(other.pid ?? 0)
    const next = await eventually(async () => {
      const pid = await pidNow()
      return pid !== undefined && pid !== rig.before.core && pid
    })
    expect(readKeeper(rig.home)).toMatchObject({ keeper: 'app', pid: next })
    expect(processExists(other.pid ?? 0)).toBe(true)
  })
})

describe('what keeps a core from starting', () => {
  it('reaches the app in words: a home that holds other things is left as it is', async () => {
    mkdirSync(rig.home, { mode: 0o755 })
    writeFileSync(join(rig.home, 'thesis.txt'), 'x')
    await expect(rig.startApp()).rejects.toThrow(/home-unusable.*thesis\.txt/)
    expect(rig.app.last('state')).toBe('failed')
    rmSync(join(rig.home, 'thesis.txt'))
    await rig.start()
  })

  it('that it is started without a word of why is told with its exit code', async () => {
    const broken = join(rig.rig.folder, 'broken.mjs')
    writeFileSync(broken, 'process.exit(9)')
    await expect(rig.startApp(broken)).rejects.toThrow(/"code":"core-ended".*"how":"9"/)
  })
})

it('a home whose socket is elsewhere, as its path is too long, is kept as any other', async () => {
  await rig.end()
  rig = await KeeperRig.make('app', 'a-folder-with-a-long-name-'.repeat(5))
  await rig.start()
  expect(readFileSync(join(rig.home, 'control.path'), 'utf8')).not.toContain(rig.home)
  rig.kill('core')
  await eventually(async () => (await rig.observe()).core === 'new')
  expect((await rig.rig.zotbar('quit')).code).toBe(0)
  expect(await rig.observe()).toEqual({ core: 'none', registry: 'none' })
  await eventually(() => rig.isSettled())
})

it('a core that crashes twice is started twice, and what it says is kept without a token', async () => {
  await rig.start()
  rig.kill('core')
  const second = await eventually(async () => {
    const pid = await pidNow()
    return pid !== undefined && pid !== rig.before.core && pid
  })
  process.kill(second, 'SIGKILL')
  const third = await eventually(async () => {
    const pid = await pidNow()
    return pid !== undefined && pid !== second && pid
  })
  expect(third).not.toBe(rig.before.core)
  expect((await rig.observe()).registry).toBe('same')
  const log = (): string => readFileSync(join(rig.home, 'logs', 'core.log'), 'utf8')
  await eventually(() => /^Serving: .*\nDashboard: http:/m.test(log()))
  expect(log()).not.toContain('token')
})

it('a core that cannot start again is tried with growing pauses, until it can', async () => {
  const broken = join(rig.rig.folder, 'broken')
  const program = join(rig.rig.folder, 'core.mjs')
  const isBroken = `(await import('node:fs')).existsSync(${JSON.stringify(broken)})`
  writeFileSync(program, `if (${isBroken}) process.exit(9)\nawait import(${JSON.stringify(core)})`)
  await rig.start(program)
  writeFileSync(broken, '')
  rig.kill('core')
  const pauses = await eventually(() => {
    const waits = rig.app.said.filter(each => 'pauseMs' in each).map(each => Number(each['pauseMs']))
    return waits.length === 3 && waits.map(wait => Math.round(wait / 500) * 500)
  })
  expect(pauses).toEqual([1000, 2000, 4000])
  expect(await rig.observe()).toEqual({ core: 'none', registry: 'same' })
  rmSync(broken)
  await eventually(async () => (await rig.observe()).core === 'new')
  expect(await rig.observe()).toEqual({ core: 'new', registry: 'same' })
})
