import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { RunbookPart } from '../../../contract/runbook.ts'
import { authorityOf, startCaddy } from '../../fakes/caddy.ts'
import { createPrograms } from '../../fakes/zot/programs.ts'
import { freePort } from '../../setup/free-port.ts'
import { describeWith } from '../../setup/need.ts'
import { createUpgradeRig, type ToldLine, type UpgradeRig } from './upgrade-rig.ts'

// Several upgrades each, with programs of 120 MB, beside whatever else runs.
vi.setConfig({ testTimeout: 240_000 })

const programs = createPrograms()
afterAll(programs.end)
let rig: UpgradeRig
const children: ChildProcess[] = []
const folders: string[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rig.end()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function temporary(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  folders.push(folder)
  return folder
}

/** The result of each check of the verification. */
function partsIn(lines: readonly ToldLine[]): Record<string, RunbookPart['state']> {
  const parts: Record<string, RunbookPart['state']> = {}
  for (const { step, part } of lines) if (step === 'gate' && part) parts[part.id] = part.state
  return parts
}

describeWith(['caddy'], 'the public address behind caddy, with a local authority', () => {
  async function behindCaddy(): Promise<() => Promise<ChildProcess>> {
    const port = await freePort()
    const folder = temporary('zotbar-caddy-')
    rig = await createUpgradeRig({ programs, environment: { NODE_EXTRA_CA_CERTS: authorityOf(folder) } })
    const address = `https://localhost:${port}`
    rig.configure({ ...rig.standard, http: { ...rig.standard.http, externalUrl: address } })
    return async () => {
      const child = await startCaddy(folder, port, rig.port)
      children.push(child)
      return child
    }
  }

  it('has to answer and list again, if it did before', async () => {
    const caddy = await behindCaddy()
    const proxy = await caddy()
    await rig.running()
    await rig.pushed()
    const passed = await rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes')
    expect(passed.last.result).toBe('done')
    expect(partsIn(passed.lines)).toMatchObject({ 'public-url': 'passed', census: 'passed', pulls: 'passed' })

    const failing = rig.upgrade('--from', rig.program('good', 'v2.1.15'), '--yes')
    await rig.applying('stop')
    proxy.kill('SIGKILL')
    const { last, lines } = await failing
    expect(last).toMatchObject({ result: 'rolled-back', error: { code: 'gate-failed' } })
    expect(partsIn(lines)['public-url']).toBe('failed')
    expect(await rig.version()).toBe('v2.1.14')

    // What failed before cannot fail the verification.
    const without = await rig.upgrade('--from', rig.program('good', 'v2.1.16'), '--yes')
    expect(without.last.result).toBe('done')
    expect(partsIn(without.lines)['public-url']).toBe('unproven')
    expect(without.last.unproven).toEqual([expect.stringContaining('It failed before the upgrade too')])
  })
})

describe('the verification of an upgrade', () => {
  it('runs the checks of the user, and forgives those that failed before', async () => {
    rig = await createUpgradeRig({ programs })
    await rig.running()
    const broken = join(rig.folder, 'broken')
    await rig.set('gate.checks', `test ! -e ${broken}\nfalse`)
    const passed = await rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes')
    expect(partsIn(passed.lines)).toMatchObject({
      'check-1': 'passed',
      'check-2': 'unproven',
      'public-url': 'skipped',
      stable: 'passed',
    })
    expect(passed.last.unproven).toEqual(['false: It failed before the upgrade too: it ended with code 1'])
    const failing = rig.upgrade('--from', rig.program('good', 'v2.1.15'), '--yes')
    await rig.applying('stop')
    writeFileSync(broken, '')
    const { last, lines } = await failing
    expect(last).toMatchObject({ result: 'rolled-back', error: { code: 'gate-failed' } })
    expect(last.error?.words).toContain(`test ! -e ${broken}`)
    expect(partsIn(lines)['check-1']).toBe('failed')
    expect(rig.bad()['v2.1.15']).toBeDefined()
  })

  it('passes an empty store', async () => {
    rig = await createUpgradeRig({ programs })
    await rig.running()
    const { last, lines } = await rig.upgrade('--from', rig.program('good', 'v2.1.15'), '--yes')
    expect(last.result).toBe('done')
    expect(partsIn(lines)).toMatchObject({ census: 'passed', pulls: 'skipped', reads: 'skipped' })
  })

  it('fails where what everybody could read asks for a password, and proves nothing of what nobody could', async () => {
    rig = await createUpgradeRig({ programs })
    const htpasswd = join(rig.folder, 'htpasswd')
    writeFileSync(htpasswd, 'ci:$2y$05$4CzmVzXLDhZGfHvyBRj5RO1wtmVSRbjcSTEYYGlZvSAv1gL2tP3oC\n')
    const withAccess = (policy: object): string => {
      const http = { ...rig.standard.http, auth: { htpasswd: { path: htpasswd } } }
      return JSON.stringify({
        ...rig.standard,
        http: { ...http, accessControl: { repositories: { '**': policy } } },
      })
    }
    const closed = withAccess({ policies: [{ users: ['ci'], actions: ['read'] }] })
    rig.configure(withAccess({ anonymousPolicy: ['read', 'create'] }))
    await rig.running()
    await rig.pushed()
    const failing = rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes')
    await rig.applying('stop')
    writeFileSync(`${rig.configFile}.new`, closed)
    renameSync(`${rig.configFile}.new`, rig.configFile)
    const { last, lines } = await failing
    expect(last).toMatchObject({ result: 'rolled-back', error: { code: 'config-edited-meanwhile' } })
    expect(last.error?.words).toContain('team/app could be read without a password before')
    expect(partsIn(lines)['reads']).toBe('failed')
    // It is not the version's fault.
    expect(rig.bad()).toEqual({})

    // Now it is private, and Zotbar has no account in it.
    const done = await rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes')
    const unproven = [
      'Every repository and tag is there: 0 of 2 tags could be asked for; reading asks for a password that Zotbar does not have',
      'Pulls give the same bytes: 0 of 2 images could be pulled; reading asks for a password that Zotbar does not have',
    ]
    expect(done.last).toEqual({ runbook: 'upgrade', result: 'done', unproven })
    expect(partsIn(done.lines)).toMatchObject({ census: 'unproven', pulls: 'unproven', reads: 'skipped' })
    const { stdout } = await rig.zotbar('runbooks', 'show')
    expect(stdout).toContain('Prove that it works, done, not all proven')
    expect(stdout).toContain(`Done, but not all of it is proven:\n  ${unproven[0]}\n  ${unproven[1]}`)
    expect((await rig.zotbar('runbooks', 'list')).stdout).toContain('done, not all proven')
    const client = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
    const shown = await client.zotbar.app.snapshot({})
    expect(shown.ok && shown.value.notices).toContainEqual(
      expect.objectContaining({ kind: 'run-unproven', unproven }),
    )
  })
})

describe('a config that changes together with the version', () => {
  const withMetrics = (metrics: object) => ({
    ...rig.standard,
    http: {
      ...rig.standard.http,
      accessControl: { repositories: { '**': { anonymousPolicy: ['read', 'create'] } }, metrics },
    },
    extensions: { metrics: { enable: true } },
  })
  const configure = (): string => {
    const text = `${JSON.stringify(withMetrics({ users: [''] }), null, 3)}\n`
    rig.configure(text)
    return text
  }
  const now = () => readFileSync(rig.configFile, 'utf8')

  it('changes in the swap, keeps the old file beside it, and goes back with --undo', async () => {
    rig = await createUpgradeRig({ programs, version: 'v2.1.17' })
    const before = configure()
    await rig.running()
    const file = rig.program('good', 'v2.1.18')
    const { plan } = await rig.plan('--from', file)
    expect(plan.edit).toMatchObject({ file: rig.configFile, required: true })
    expect(plan.edit?.diff).toMatch(/^-.*users/m)
    expect(plan.edit?.diff).toMatch(/^\+.*anonymousPolicy/m)
    expect(now()).toBe(before)
    const { last } = await rig.upgrade('--from', file, '--yes')
    expect(last.result).toBe('done')
    expect(now()).toContain('"anonymousPolicy"')
    expect(now()).not.toContain('"users": [')
    expect(readFileSync(`${rig.configFile}.before-v2.1.18`, 'utf8')).toBe(before)
    const back = await rig.upgrade('--undo', '--yes')
    expect(back.last.result).toBe('done')
    expect(await rig.version()).toBe('v2.1.17')
    expect(JSON.parse(now())).toEqual(JSON.parse(before))
  })

  it('comes back as it was, where the version does not prove itself', async () => {
    rig = await createUpgradeRig({ programs, version: 'v2.1.17' })
    const before = configure()
    await rig.running()
    const { last } = await rig.upgrade('--from', rig.program('exits-0', 'v2.1.18'), '--yes')
    expect(last.result).toBe('rolled-back')
    expect(now()).toBe(before)
    expect(await rig.version()).toBe('v2.1.17')
  })
})

describe('the store', () => {
  /** Every file with its bytes, but for what the registry keeps for itself. */
  function filesIn(folder: string): Record<string, string> {
    const found: Record<string, string> = {}
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = relative(folder, join(entry.parentPath, entry.name))
      if (!entry.isFile() || /^_zotbar\//.test(path)) continue
      found[path] = createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex')
    }
    return found
  }

  it('is never written by the app: whatever it opens to write, in an upgrade and on both ways back', async () => {
    const written = join(temporary('zotbar-writes-'), 'paths')
    const hook = new URL('../../fakes/watch-writes.mjs', import.meta.url)
    const changed = `${written}-changed`
    const changeHook = new URL('../../fakes/watch-changes.mjs', import.meta.url)
    rig = await createUpgradeRig({
      programs,
      environment: {
        NODE_OPTIONS: `--import ${hook.href} --import ${changeHook.href}`,
        WATCH_WRITES: written,
        WATCH_CHANGES: changed,
      },
    })
    await rig.running()
    const check = await rig.pushed()
    const before = filesIn(rig.data)
    expect(Object.keys(before).length).toBeGreaterThan(6)

    const failed = await rig.upgrade('--from', rig.program('loses-tag', 'v2.1.16'), '--yes')
    expect(failed.last).toMatchObject({ result: 'rolled-back', error: { code: 'gate-failed' } })
    const done = await rig.upgrade('--from', rig.program('good', 'v2.1.15'), '--yes')
    expect(done.last.result).toBe('done')
    const back = await rig.upgrade('--undo', '--yes')
    expect(back.last.result).toBe('done')

    expect(filesIn(rig.data)).toEqual(before)
    await check()
    const paths = readFileSync(written, 'utf8').split('\n')
    // It was watched: the snapshot, the link and the settings are the app's own.
    for (const own of ['snapshots', 'current', 'settings.json'])
      expect(paths.some(path => path.includes(`${rig.home}/`) && path.includes(own))).toBe(true)
    expect(paths.filter(path => path.includes(`${rig.data}/`) || path.endsWith(rig.data))).toEqual([])
    // Nor did it change anything else that it had not made, outside its home.
    const changes = readFileSync(changed, 'utf8')
      .split('\n')
      .filter(line => line.startsWith('main.mjs '))
    expect(changes.length).toBeGreaterThan(0)
    expect(
      changes.filter(line => !line.includes(` ${rig?.home}/`) && !line.endsWith(` ${rig?.home}`)),
    ).toEqual([])
  })
})
