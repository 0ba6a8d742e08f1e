import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SetAside } from '../../../core/platform/json-file.ts'
import { settingTable } from '../../../core/settings/setting-table.ts'
import { openSettings } from '../../../core/settings/settings.ts'
import { trustedProxiesOf } from '../../../registry/http/client.ts'
import { fakeClock } from '../../fakes/clock.ts'

let home: string
let told: SetAside[]
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'settings-'))
  told = []
})
afterEach(() => rm(home, { recursive: true }))

const open = () => openSettings({ home, clock: fakeClock(), report: what => told.push(what) })
const file = () => join(home, 'settings.json')
const onDisk = async () => JSON.parse(await readFile(file(), 'utf8'))

test('nothing there: defaults, and nothing is written', async () => {
  const settings = await open()
  expect(settings.all().map(({ key }) => key)).toEqual(Object.keys(settingTable))
  expect(settings.all().every(row => row.value === row.default)).toBe(true)
  expect(settings.get('logs.maxMegabytes')).toBe(10)
  expect(await readdir(home)).toEqual([])
})

test('a change is on disk when it is answered, and is there after a restart', async () => {
  const settings = await open()
  const heard: string[] = []
  const end = settings.onChange(key => heard.push(`${key} ${settings.get(key)}`))
  expect(await settings.set('keepServing', 'true', 'any')).toEqual({
    ok: true,
    value: { key: 'keepServing', value: true, takesEffect: 'now' },
  })
  expect(await settings.set('dashboard.port', 8443, 'any')).toMatchObject({
    value: { takesEffect: 'now' },
  })
  expect(await onDisk()).toEqual({ keepServing: true, 'dashboard.port': 8443 })
  expect((await lstat(file())).mode & 0o777).toBe(0o600)
  await settings.set('keepServing', true, 'any')
  end()
  await settings.set('keepServing', null, 'any')
  expect(heard).toEqual(['keepServing true', 'dashboard.port 8443'])
  expect(await onDisk()).toEqual({ 'dashboard.port': 8443 })
  expect((await open()).row('dashboard.port')).toMatchObject({
    ok: true,
    value: { value: 8443, default: 5051 },
  })
})

test.each([
  '',
  '10.0.0.7, 10.1.0.0/16',
  '::1 fd00::/8,192.0.2.1',
  '10.0.0.0/33',
  'fe80::1%eth0',
  'proxy.example.org',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '010.0.0.1',
])(
  'the setting takes the trusted proxies %j where the registry starts with them, and no others',
  async text => {
    const set = await (await open()).set('registry.trustedProxies', text, 'cli')
    const value = set.ok ? String(set.value.value) : text
    expect(set.ok).toBe(trustedProxiesOf({ ZOTBAR_TRUSTED_PROXIES: value }).ok)
  },
)

test.each([
  ['https://hooks.slack.com/services/T0/B0/s3cret', 'https://hooks.slack.com/(hidden)'],
  ['ntfy+https://user:s3cret@ntfy.example.org/topic?x=1', 'ntfy+https://ntfy.example.org/(hidden)'],
  ['https://ntfy.sh', 'https://ntfy.sh/(hidden)'],
  ['', ''],
])('the webhook %j is shown to the command line alone', async (value, masked) => {
  const settings = await open()
  expect(await settings.set('notices.webhook', value, 'cli')).toMatchObject({ ok: true })
  const key = 'notices.webhook'
  const shown = settings.all({ masked: true }).find(row => row.key === key)
  expect([shown?.value, settings.all().find(row => row.key === key)?.value]).toEqual([masked, value])
  expect(settings.row(key, { masked: true })).toMatchObject({ value: { value: masked } })
  expect(JSON.stringify(settings.all({ masked: true }))).not.toContain('s3cret')
})

test('changes at the same time are all kept', async () => {
  const settings = await open()
  await Promise.all([
    settings.set('logs.keep', 5, 'any'),
    settings.set('storage.warnDays', '30', 'any'),
    settings.set('notifications', false, 'any'),
  ])
  expect(await onDisk()).toEqual({ 'logs.keep': 5, 'storage.warnDays': 30, notifications: false })
})

describe('refused', () => {
  test.each([
    ['keepServing', 'yes'],
    ['keepServing', 1],
    ['dashboard.port', 65536],
    ['dashboard.port', '-1'],
    ['dashboard.port', 1.5],
    ['dashboard.port', ''],
    ['logs.maxMegabytes', 0],
    ['logs.keep', '1e3'],
    ['config.file', 'relative.json'],
    ['config.file', true],
    ['secrets.keyFile', 'key'],
    ['secrets.plain', 'yes'],
    ['forgejo.url', 'git.example.org'],
    ['forgejo.url', 'ftp://git.example.org'],
    ['forgejo.url', 'https://user:word@git.example.org'],
    ['forgejo.url', 'https://git.example.org/?a=b'],
  ])('%s = %j', async (key, value) => {
    const settings = await open()
    expect(await settings.set(key, value, 'cli')).toMatchObject({
      ok: false,
      error: { code: 'bad-setting', key, wrong: String(value), allowed: expect.any(String) },
    })
    expect(await readdir(home)).toEqual([])
  })

  test('an unknown key, with the nearest one', async () => {
    const settings = await open()
    const error = { code: 'unknown-setting', key: 'keepserving2', near: 'keepServing' }
    expect(await settings.set('keepserving2', true, 'cli')).toEqual({ ok: false, error })
    expect(settings.row('keepserving2')).toEqual({ ok: false, error })
    expect(settings.row('__proto__')).toEqual({
      ok: false,
      error: { code: 'unknown-setting', key: '__proto__' },
    })
  })

  test('an address, with a slash at its end or without', async () => {
    const settings = await open()
    await settings.set('forgejo.url', 'https://git.example.org/forge/', 'cli')
    expect(settings.get('forgejo.url')).toBe('https://git.example.org/forge')
  })

  test('a setting that names a file, from anywhere but the command line', async () => {
    const settings = await open()
    expect(await settings.set('config.file', '/c.json', 'any')).toEqual({
      ok: false,
      error: { code: 'setting-not-allowed-here', key: 'config.file' },
    })
    expect(await settings.set('config.file', '/c.json', 'cli')).toMatchObject({ ok: true })
  })

  test('a home that cannot be written: nothing changes', async () => {
    const settings = await open()
    await mkdir(file())
    expect(await settings.set('keepServing', true, 'any')).toMatchObject({ error: { code: 'home-unusable' } })
    expect(settings.get('keepServing')).toBe(false)
  })
})

describe('a damaged file', () => {
  test.each(['', '{"keepServing":', '[]', '\0\0\0'])('%j: kept aside, told, defaults used', async text => {
    await writeFile(file(), text)
    const settings = await open()
    const keptAs = `${file()}.corrupt-20260301T120000Z`
    expect(told).toEqual([{ file: file(), keptAs }])
    expect(await readFile(keptAs, 'utf8')).toBe(text)
    expect(settings.get('keepServing')).toBe(false)
    expect(await settings.set('keepServing', true, 'any')).toMatchObject({ ok: true })
  })

  test('one bad value does not take the good ones with it; unknown keys are kept', async () => {
    await writeFile(file(), JSON.stringify({ keepServing: true, 'logs.keep': 99, 'later.setting': { a: 1 } }))
    const settings = await open()
    expect([settings.get('keepServing'), settings.get('logs.keep')]).toEqual([true, 3])
    expect(told).toHaveLength(1)
    expect(await onDisk()).toEqual({ keepServing: true, 'later.setting': { a: 1 } })
    await settings.set('logs.keep', 7, 'any')
    expect(await onDisk()).toEqual({ keepServing: true, 'later.setting': { a: 1 }, 'logs.keep': 7 })
  })
})
