import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { coreEnvironment } from '../../../core/platform/environment.ts'
import { isOpVariable } from '../../../core/sinks/create-sink.ts'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { processExists } from '../../../lib/process-exists.ts'
import type { Host } from '../../../ssh/host.ts'
import { localHost } from '../../../ssh/local-host.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'

const root = join(import.meta.dirname, '../../..')
/** What shells, npm and Electron leave, and what a person has for the programs that the core runs. */
const dirty = {
  NODE_OPTIONS: '--import /nowhere.mjs',
  npm_command: 'run-script',
  npm_config_cache: '/n',
  ELECTRON_RUN_AS_NODE: '1',
  NODE_ENV: 'production',
  SECRET_OF_THE_SHELL: 's',
}
const accounts = { OP_ACCOUNT: 'a', SSH_AUTH_SOCK: '/agent', LC_ALL: 'C.UTF-8' }

let rig: AppRig
beforeEach(async () => {
  rig = await createAppRig()
})
afterEach(() => rig.end())

/** The environment that the registry was started with, by the launcher. */
async function registryStartedWith(more: Record<string, string>): Promise<string[]> {
  const core = spawn(join(root, 'build/bin/zotbar.mjs'), ['start', '--json', '--dashboard-port', '0'], {
    env: { PATH: '/usr/bin:/bin', HOME: rig.folder, ZOTBAR_HOME: rig.home, ...more },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise(resolve => core.on('exit', resolve))
  const { registry } = await eventually(async () => {
    const status = await rig.status()
    return status.state === 'serving' && status
  })
  const environment = readFileSync(`/proc/${registry.pid}/environ`, 'utf8').split('\0').filter(Boolean)
  core.kill('SIGTERM')
  await ended
  return environment.sort()
}

async function variablesOf(host: Host): Promise<string> {
  const ended = await host.run({ line: 'env | sort', limitMs: 10_000 })
  return ended.kind === 'ended' ? ended.stdout : expect.fail(ended.kind)
}

describe('a core that npm or Electron starts, and one that a service manager starts', () => {
  it.runIf(process.platform === 'linux')('give the registry the same environment', async () => {
    const clean = await registryStartedWith(accounts)
    expect(await registryStartedWith({ ...accounts, ...dirty })).toEqual(clean)
    const names = clean.map(line => line.split('=')[0])
    expect(names).toContain('ZOTBAR_ADMIN_SOCKET')
    expect(names.filter(name => name !== undefined && name in dirty)).toEqual([])
  })

  it('give sinks and op the same environment', async () => {
    const started = { PATH: '/usr/bin:/bin', HOME: rig.folder, ...accounts }
    const [clean, other] = await Promise.all(
      [started, { ...started, ...dirty }].map(async from => {
        const { environment } = coreEnvironment(from)
        const hosts = [
          localHost({ home: rig.folder, environment }),
          localHost({ home: rig.folder, environment, allowsVariable: isOpVariable }),
        ]
        return Promise.all(hosts.map(async host => await variablesOf(host)))
      }),
    )
    expect(other).toEqual(clean)
    expect(clean?.[0]).toContain('SSH_AUTH_SOCK=/agent')
    expect(clean?.[1]).toContain('OP_ACCOUNT=a')
  })
})

it('a core that npx started ends when npx was ended, though the shell between them passes no signal on', async () => {
  const launcher = join(root, 'build/bin/zotbar.mjs')
  // A shell that waits, as npx's does: its end says nothing to its child.
  const shell = spawn('/bin/sh', ['-c', `"${launcher}" start --json --dashboard-port 0; true`], {
    env: { PATH: '/usr/bin:/bin', HOME: rig.folder, ZOTBAR_HOME: rig.home, npm_command: 'exec' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const core = await eventually(async () => (await rig.status()).state === 'serving' && readKeeper(rig.home))
  shell.kill('SIGTERM')
  await eventually(() => !processExists(core.pid))
  expect(readKeeper(rig.home)).toBeUndefined()
  await expect(fetch(`${rig.url}/v2/`)).rejects.toThrow()
})
