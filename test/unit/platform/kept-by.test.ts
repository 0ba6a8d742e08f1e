import { describe, expect, it } from 'vitest'
import { keptByMessage } from '../../../contract/messages/kept-by-message.ts'
import { keptByLaunchd, keptByOnLinux } from '../../../core/platform/kept-by.ts'
import { macProcesses } from '../../../core/platform/processes-mac.ts'

const id = '0123456789abcdef'.repeat(4)
const user = '/user.slice/user-501.slice/user@501.service'

describe('what keeps a process on Linux', () => {
  it.each<[string, string, string, string | undefined]>([
    [
      "a unit of the user's",
      `0::${user}/app.slice/zot.service`,
      `0::${user}/init.scope`,
      'systemctl --user stop zot.service',
    ],
    [
      'one of systemd without the unified hierarchy',
      `9:name=systemd:${user}/zot.service\n8:pids:/x\n0::/`,
      `9:name=systemd:${user}/init.scope`,
      'systemctl --user stop zot.service',
    ],
    [
      'a unit of the system',
      '0::/system.slice/zot@lan.service',
      '0::/init.scope',
      'sudo systemctl stop zot@lan.service',
    ],
    [
      'a name that a shell would read',
      '0::/system.slice/a\\x2db.service',
      '0::/',
      `sudo systemctl stop 'a\\x2db.service'`,
    ],
    [
      'a container of docker',
      `0::/system.slice/docker-${id}.scope`,
      '0::/system.slice/docker.service',
      'docker stop 0123456789ab',
    ],
    [
      'one in the older place',
      `1:name=systemd:/docker/${id}`,
      '1:name=systemd:/',
      'docker stop 0123456789ab',
    ],
    ['a container of podman', `0::${user}/user.slice/libpod-${id}.scope`, '0::/', 'podman stop 0123456789ab'],
    ['a job of cron', '0::/system.slice/cron.service', '0::/system.slice/cron.service', undefined],
    [
      'one below a manager that is in no unit',
      '0::/app.slice/zot.service',
      '0::/init.scope',
      'systemctl --user stop zot.service',
    ],
    ['what was typed', '0::/user.slice/user-501.slice/session-3.scope', '0::/init.scope', undefined],
    ['the manager itself', `0::${user}`, '0::/init.scope', undefined],
    ['nothing', '0::/', '', undefined],
  ])('is found for %s', (_, own, parent, stop) => {
    expect(keptByOnLinux(`${own}\n`, `${parent}\n`)?.stop).toBe(stop)
  })
})

const printed = (rows: string): string => `gui/501 = {
	type = login
	services = {
${rows}
	}

	unmanaged processes = {
		com.apple.xpc.launchd.unmanaged.zot.4127 = {
			4127      0	x
		}
	}
}
`

describe('what keeps a process on macOS', () => {
  it('is the job whose pid it is, and not an application that somebody opened', () => {
    const rows = [
      '\t\t       0      - \tcom.apple.one',
      '\t\t    4127      0 \tnet.example.zot',
      '\t\t    5000      - (pe)\tapplication.com.apple.Terminal.1.2',
    ].join('\n')
    expect(keptByLaunchd(printed(rows), 'gui/501', 4127)).toEqual({
      manager: 'launchd',
      name: 'net.example.zot',
      stop: 'launchctl bootout gui/501/net.example.zot',
      disable: 'launchctl disable gui/501/net.example.zot',
    })
    for (const pid of [5000, 412, 1]) expect(keptByLaunchd(printed(rows), 'gui/501', pid)).toBeUndefined()
    expect(keptByLaunchd(printed(''), 'gui/501', 4127)).toBeUndefined()
  })

  it('is looked for in every domain', async () => {
    const asked: string[] = []
    const table = macProcesses(async (program, args) => {
      asked.push([program, ...args].join(' '))
      if (program === '/bin/ps') return '501\n'
      return args[1] === 'system' ? printed('\t\t42\t0\tnet.example.zot') : printed('')
    })
    expect(await table.keptBy(42)).toMatchObject({ stop: 'sudo launchctl bootout system/net.example.zot' })
    expect(asked.slice(1)).toEqual([
      '/bin/launchctl print gui/501',
      '/bin/launchctl print user/501',
      '/bin/launchctl print system',
    ])
  })
})

it('is said with the commands that end it for good', () => {
  const name = 'net.example.zot'
  const stop = `launchctl bootout gui/501/${name}`
  expect(keptByMessage({ manager: 'launchd', name, stop, disable: 'launchctl disable x' })).toEqual([
    `It is a job of launchd, ${name}, and may be started again when it ends. End it with: ${stop}`,
    'So that it does not come back at the next login or boot: launchctl disable x',
  ])
  expect(keptByMessage({ manager: 'docker', name: 'a', stop: 'docker stop a' })).toHaveLength(1)
  expect(keptByMessage(undefined)).toEqual([])
})
