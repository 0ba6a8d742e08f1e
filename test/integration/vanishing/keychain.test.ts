import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { firstConfig } from '../../../core/first-run/first-run.ts'
import { establishAdmin } from '../../../core/registry-client/admin.ts'
import { freePort } from '../../setup/free-port.ts'
import { keychainIn, startKeyring } from '../../setup/keyring.ts'
import { describeWith } from '../../setup/need.ts'
import { copyPackage, zotbar } from './package-copy.ts'

describeWith(['gnome-keyring', 'dbus'], 'when the package is deleted before the keychain was asked', () => {
  it('the core asks it all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zotbar-vanishing-'))
    const keyring = await startKeyring(join(folder, 'keyring'))
    const home = join(folder, 'home')
    const environment = { ...keyring.env, HOME: folder, ZOTBAR_HOME: home }
    mkdirSync(home, { mode: 0o700 })
    const made = await establishAdmin({
      now: Date.now,
      report: () => {},
      home,
      folder,
      secrets: {
        get: async () => ({ ok: true, value: undefined }),
        async set(account, secret) {
          await keychainIn(keyring).setPassword('Zotbar', account, secret)
          return { ok: true, value: { where: 'keychain' } }
        },
        delete: async () => ({ ok: true, value: null }),
      },
    })
    await made.stored
    mkdirSync(join(folder, 'data'))
    const config = JSON.parse(firstConfig(join(folder, 'data'), made))
    config.http.port = String(await freePort())
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))

    const installed = copyPackage(join(folder, 'package'))
    const main = join(installed.folder, 'dist', 'core', 'main.mjs')
    const args = [main, 'start', '--json', '--config', join(folder, 'config.json'), '--dashboard-port', '0']
    const core = spawn(installed.node, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(core, 'exit')
    try {
      for await (const line of createInterface({ input: core.stdout }))
        if (JSON.parse(line).state === 'serving') break
      installed.remove()
      const shown = zotbar(environment, 'admin', 'show')
      expect(shown).toEqual({ user: 'admin', password: expect.stringMatching(/^[a-zA-Z2-9]{24}$/) })
      core.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
    } finally {
      core.kill('SIGKILL')
      await keyring.end()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })
})
