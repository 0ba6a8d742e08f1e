import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ServiceSurroundings, systemService } from '../../../client/core-service.ts'
import { failureText } from '../../../contract/messages/failure-message.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-service-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const mac = (more: Partial<ServiceSurroundings> = {}) =>
  systemService(join(folder, 'Library/Application Support/Zotbar'), {
    env: {},
    platform: 'darwin',
    homeOfUser: folder,
    uid: 501,
    ...more,
  })
const linux = (more: Partial<ServiceSurroundings> = {}, home = join(folder, '.local/share/zotbar')) =>
  systemService(home, { env: {}, platform: 'linux', homeOfUser: folder, ...more })

function put(file: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), '')
}

describe('the service of a core', () => {
  it('is installed where its file is: launchd has an agent, systemd a unit of the user', async () => {
    expect([await mac().installed(), await linux().installed()]).toEqual([false, false])
    put('Library/LaunchAgents/app.zotbar.core.plist')
    put('.config/systemd/user/zotbar.service')
    expect([await mac().installed(), await linux().installed()]).toEqual([true, true])
    const env = { XDG_CONFIG_HOME: join(folder, 'config') }
    expect(await linux({ env }).installed()).toBe(false)
    put('config/systemd/user/zotbar.service')
    expect(await linux({ env }).installed()).toBe(true)
  })

  it('keeps the usual home, and no other one', async () => {
    put('.config/systemd/user/zotbar.service')
    const other = join(folder, 'other')
    expect(await linux({ env: { ZOTBAR_HOME: other } }, other).installed()).toBe(false)
  })

  it('is started by its manager, and says what that said when it does not', async () => {
    const ran: string[][] = []
    const run = async (command: string, args: readonly string[]) => void ran.push([command, ...args])
    expect(await mac({ run }).start()).toEqual({ ok: true, value: null })
    expect(await linux({ run }).start()).toEqual({ ok: true, value: null })
    expect(ran).toEqual([
      ['/bin/launchctl', 'kickstart', 'gui/501/app.zotbar.core'],
      ['systemctl', '--user', 'start', 'zotbar.service'],
    ])
    const refused = await linux({
      run: async () => {
        throw new Error('Unit zotbar.service is masked')
      },
    }).start()
    expect(refused.ok || failureText(refused.error)).toContain(
      'zotbar.service: Unit zotbar.service is masked',
    )
  })
})
