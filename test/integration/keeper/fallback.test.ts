import { spawn, spawnSync } from 'node:child_process'
import { chownSync, globSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { processExists } from '../../../lib/process-exists.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, core, createAppRig } from '../app/app-rig.ts'

const root = join(import.meta.dirname, '../../..')
/** Root gets no Electron on Linux, so root runs this as nobody. */
const asUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const possible =
  process.platform === 'linux' && spawnSync(process.execPath, ['-v'], { cwd: '/', ...asUser }).status === 0

let rig: AppRig
beforeEach(async () => {
  rig = await createAppRig()
})
afterEach(async () => {
  const pid = readKeeper(rig.home)?.pid
  if (pid !== undefined && processExists(pid)) process.kill(pid, 'SIGKILL')
  await rig.end()
})

describe.runIf(possible)('npm start where Electron dies after it has started a core', () => {
  it('has that core make room, and goes on in the foreground with its registry', async () => {
    const electron = join(rig.folder, 'electron')
    mkdirSync(electron)
    symlinkSync(join(root, 'test/fakes/keepers/dying-app.ts'), join(electron, 'electron'))
    if (asUser.uid !== undefined)
      for (const name of ['', ...globSync('**', { cwd: rig.folder, dot: true } as object)])
        chownSync(join(rig.folder, String(name)), asUser.uid, asUser.gid)

    const { NODE_COMPILE_CACHE: _, ...env } = process.env
    const start = spawn(process.execPath, [join(root, 'build/start.mjs'), '--config', rig.configFile], {
      cwd: '/',
      env: {
        ...env,
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        DISPLAY: ':77',
        HOME: rig.folder,
        ZOTBAR_HOME: rig.home,
        ZOTBAR_TEST_CORE: core,
        ELECTRON_OVERRIDE_DIST_PATH: electron,
      },
      ...asUser,
    })
    const ended = new Promise(resolve => start.on('exit', resolve))
    const said: string[] = []
    for (const stream of [start.stdout, start.stderr])
      createInterface({ input: stream }).on('line', line => said.push(line))
    await eventually(() => said.some(line => line.startsWith('Serving: ')) || fault(start.exitCode, said))

    const left = JSON.parse(said.find(line => line.startsWith('{')) ?? '{}')
    expect(left).toMatchObject({ ok: true, value: { keeper: 'app' } })
    expect(processExists(left.value.pid)).toBe(false)
    expect(said).toContain('Running headless: Electron cannot run here (it ended with SIGTRAP).')
    expect(readKeeper(rig.home)).toMatchObject({ keeper: 'terminal' })
    start.kill('SIGINT')
    expect(await ended).toBe(0)
    await expect(fetch(`${rig.url}/v2/`)).rejects.toThrow()
  })
})

function fault(code: number | null, said: readonly string[]): false {
  if (code !== null) throw new Error(`it ended with ${code}: ${said.join('\n')}`)
  return false
}
