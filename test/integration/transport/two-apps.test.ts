import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'

const source = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../../${path}`, import.meta.url)))
let home: string
const children: ChildProcess[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-home-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(home, { recursive: true })
})

/** A process that takes the lock and the socket as an app does, says how that went and stays until SIGTERM. */
function app(): { child: ChildProcess; said: () => Record<string, unknown> | undefined } {
  const script = `
    import { takeAppLock } from ${source('core/transport/app-lock.ts')}
    import { openControlSocket } from ${source('core/transport/control-socket.ts')}
    import { httpApi } from ${source('core/transport/http-api.ts')}
    import { systemProcessTable } from ${source('core/platform/system-processes.ts')}
    import { coreHello, fakeHost } from ${source('test/fakes/host.ts')}
    const home = ${JSON.stringify(home)}
    const lock = await takeAppLock({ home, processes: systemProcessTable() })
    const opened = lock.ok && (await openControlSocket({ path: home + '/control.sock', home, api: httpApi(fakeHost()), hello: coreHello }))
    console.log(JSON.stringify(lock.ok ? { ok: opened.ok } : lock))
    if (!lock.ok) process.exit(1)
    process.on('SIGTERM', async () => {
      await opened.value.close()
      await lock.value.release()
    })`
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  return { child, said: () => (text.endsWith('\n') ? JSON.parse(text) : undefined) }
}

const ended = (child: ChildProcess) => new Promise(resolve => child.on('exit', resolve))

/** Starts several at once; gives the one that runs, after every other said whose pid it found. */
async function race(count: number): Promise<ChildProcess> {
  const apps = Array.from({ length: count }, app)
  const said = await Promise.all(apps.map(({ said }) => eventually(said, 30_000)))
  const winners = apps.filter((_, i) => said[i]?.['ok'] === true)
  expect(winners).toHaveLength(1)
  const winner = winners[0]?.child as ChildProcess
  for (const answer of said.filter(one => one['ok'] !== true))
    expect(answer['error']).toEqual({ code: 'already-running', pid: winner.pid, home })
  return winner
}

describe('apps that start at the same moment on one home', () => {
  it('are one app: from nothing, and from what a killed one left', async () => {
    const first = await race(4)
    const gone = ended(first)
    first.kill('SIGKILL')
    await gone
    expect((await readdir(home)).sort()).toEqual(['app.lock', 'control.sock'])

    const second = await race(4)
    expect((await readdir(home)).sort()).toEqual(['app.lock', 'control.sock'])
    const quit = ended(second)
    second.kill('SIGTERM')
    expect(await quit).toBe(0)
    expect(await readdir(home)).toEqual([])
  })
})
