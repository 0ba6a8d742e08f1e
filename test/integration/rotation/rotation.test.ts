import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestsIn } from '../../../core/rotation/logged-requests.ts'
import { eventually } from '../../fakes/eventually.ts'
import { fakeForgejo } from '../../fakes/forgejo.ts'
import { fakeOp } from '../../fakes/op.ts'
import { describeWith } from '../../setup/need.ts'
import type { AppProcess } from '../app/app-rig.ts'
import { createKey, createRotationRig, partsOf, type RotationRig, textsOf, thiefOf } from './rotation-rig.ts'

const run = promisify(execFile)
let rig: RotationRig
let app: AppProcess
let op: ReturnType<typeof fakeOp>
let opFolder: string
let file: string

const user = 'zot-ci'
const inFile = (): string => readFileSync(file, 'utf8')
const inOp = (): string | undefined => op.fields('CI', 'registry')['password']
const opSink = 'op:CI/registry/password'

beforeAll(async () => {
  opFolder = mkdtempSync(join(tmpdir(), 'zotbar-op-'))
  op = fakeOp(opFolder)
  op.put('CI', 'registry', { password: 'before' })
  rig = await createRotationRig({ PATH: op.bin, ...op.environment })
  app = await rig.begin()
  file = join(rig.folder, 'key')
})
afterAll(async () => {
  await rig.end()
  rmSync(opFolder, { recursive: true, force: true })
})

/** Under care with a fresh key, and nothing left of the test before. */
async function fresh(...sinks: string[]): Promise<string> {
  for (const { uuid } of await rig.keys()) await rig.client.keys.revoke({ uuid, descendants: false })
  await rig.client.keys.unmanage({ user })
  op.mode('')
  const { apiKey } = await rig.newKey(user)
  await rig.manage(apiKey, ...sinks)
  return apiKey
}

/** One key is alive, it is the one in the sinks, and the app knows no trouble. */
async function isWhole(key: string): Promise<void> {
  expect(await rig.letsIn(key)).toBe(true)
  expect(await rig.keys()).toHaveLength(1)
  expect(inFile()).toBe(key)
  expect((await rig.managed()).drift).toEqual([])
  expect(await rig.prove()).toMatchObject({ works: true })
}

describe('rotating a key', () => {
  it('replaces it everywhere, lets both work, and revokes the old one when asked to', async () => {
    const old = await fresh(`file:${file}`, opSink)
    expect(inFile()).toBe(old)
    const dry = await rig.zotbar('keys', 'rotate', user, '--dry-run', '--json')
    expect(dry.code).toBe(0)
    expect((JSON.parse(dry.stdout) as { steps: { id: string }[] }).steps.map(({ id }) => id)).toEqual([
      ...['preflight', 'ask', 'mint', 'keep', 'deliver', 'prove', 'switch', 'overlap'],
    ])
    expect(await rig.keys()).toHaveLength(1)

    const told = await rig.rotate('--yes')
    expect(told).toMatchObject({ code: 0, stderr: '', last: { runbook: 'rotate', result: 'done' } })
    expect(Date.parse(told.last.retireAt ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000)
    expect(partsOf(told, 'prove')).toEqual({
      authenticates: 'passed',
      pull: 'passed',
      upload: 'passed',
      overwrite: 'passed',
    })
    const key = inFile()
    expect(inOp()).toBe(key)
    expect([await rig.letsIn(key), await rig.letsIn(old)]).toEqual([true, true])
    const keys = await rig.keys()
    expect(keys.map(({ managed }) => managed)).toEqual([true, true])
    expect(keys.at(-1)?.label).toMatch(/^zotbar\/[^/]+\/\d{4}-\d\d-\d\d-[0-9a-f]{6}$/)
    expect((await rig.managed()).retiring?.retireAt).toBe(told.last.retireAt)

    const retired = await rig.zotbar('keys', 'retire', user, '--json')
    expect(retired.code).toBe(0)
    expect(await rig.letsIn(old)).toBe(false)
    await isWhole(key)
  })

  it('revokes in the same run where there is no overlap, and waits for one of seconds', async () => {
    const old = await fresh(`file:${file}`)
    expect((await rig.rotate('--yes', '--overlap', '0')).last).toEqual({ runbook: 'rotate', result: 'done' })
    const key = inFile()
    expect(await rig.letsIn(old)).toBe(false)
    const from = Date.now()
    expect((await rig.rotate('--yes', '--overlap', '2s')).last.result).toBe('done')
    expect(Date.now() - from).toBeGreaterThan(2_000)
    expect(await rig.letsIn(key)).toBe(false)
    await isWhole(inFile())
  })

  it('does not ask to revoke the key in use, when the one before is revoked by hand', async () => {
    await fresh(`file:${file}`)
    await rig.rotate('--yes')
    const key = inFile()
    const old = (await rig.managed()).retiring?.uuid ?? ''
    expect((await rig.zotbar('keys', 'revoke', old)).stdout).toMatch(new RegExp(`^Revoked 1.key: ${old}\n$`))
    expect((await rig.zotbar('keys', 'retire', user)).code).toBe(0)
    await isWhole(key)
    // One that somebody made with another key, and gave to Zotbar.
    const maker = await rig.newKey(user)
    const made = await createKey(rig.url, { user, key: maker.apiKey }, 'by hand')
    await rig.manage(made.apiKey, `file:${file}`)
    const revoked = await rig.zotbar('keys', 'revoke', maker.uuid)
    expect(revoked.stdout).toMatch(/still works: .*\nZotbar manages it here/)
    expect(revoked.stdout).not.toContain('Revoke them too')
  })

  it('revokes by itself when the time came while the app was not there', async () => {
    const old = await fresh(`file:${file}`)
    expect((await rig.rotate('--yes')).last.result).toBe('done')
    app.kill('SIGTERM')
    await app.exited
    const records = join(rig.home, 'keys.json')
    writeFileSync(
      records,
      readFileSync(records, 'utf8').replace(/"retireAt": "[^"]+"/, '"retireAt": "2026-01-01T00:00:00Z"'),
    )
    app = await rig.serving()
    await eventually(async () => !(await rig.letsIn(old)), 30_000)
    await eventually(async () => (await rig.managed()).retiring === undefined, 30_000)
    await isWhole(inFile())
  })

  it('delivers a key that is given again to the commands that got the one before', async () => {
    const got = join(rig.folder, 'got')
    const sinks = [`file:${file}`, `command:cat > ${got}`]
    await fresh(...sinks)
    expect(existsSync(got)).toBe(false)
    expect((await rig.rotate('--yes', '--overlap', '0')).last.result).toBe('done')
    expect((await rig.manage(undefined, ...sinks)).sinks[1]?.state).toBe('accepted')
    const { apiKey } = await rig.newKey(user)
    expect((await rig.manage(apiKey, ...sinks)).sinks[1]?.state).toBe('accepted')
    expect(readFileSync(got, 'utf8')).toBe(apiKey)
  })

  it('rotates again within the overlap, and ends both old keys', async () => {
    const old = await fresh(`file:${file}`)
    await rig.rotate('--yes')
    const middle = inFile()
    await rig.rotate('--yes', '--overlap', '0')
    expect([await rig.letsIn(old), await rig.letsIn(middle)]).toEqual([true, false])
    expect((await rig.zotbar('keys', 'retire', user)).code).toBe(0)
    expect(await rig.letsIn(old)).toBe(false)
    await isWhole(inFile())
  })
})

describe('what goes wrong', () => {
  it.each([
    ['command:exit 3', 'sink-refused'],
    ['command:head -c 3 >/dev/null; exit 1', 'sink-refused'],
    ['file:/proc/nowhere/key', undefined],
  ])('goes back by itself when %s does not take the key', async (sink, code) => {
    const old = await fresh(`file:${file}`, sink)
    const { last, code: exit } = await rig.rotate('--yes')
    expect(exit).toBe(1)
    expect(['rolled-back', 'failed']).toContain(last.result)
    if (code !== undefined) expect(last).toMatchObject({ result: 'rolled-back', error: { code } })
    await rig.manage(old, `file:${file}`)
    await isWhole(old)
  })

  it('goes back when 1Password keeps something else than it was given', async () => {
    const old = await fresh(`file:${file}`, opSink)
    op.mode('other')
    const { last } = await rig.rotate('--yes')
    expect(last).toMatchObject({ result: 'rolled-back' })
    expect([inFile(), await rig.letsIn(old)]).toEqual([old, true])
    expect((await rig.keys()).filter(({ managed }) => !managed)).toEqual([])
  })

  it('waits for 1Password to be unlocked, and goes on then', async () => {
    await fresh(`file:${file}`, opSink)
    op.mode('signed-out')
    const begun = await rig.client.keys.rotate({
      user,
      overlap: '0',
      yes: true,
      leaked: false,
      dryRun: false,
    })
    expect(begun.ok).toBe(true)
    const question = await eventually(async () => {
      const now = await rig.client.app.snapshot({})
      return now.ok && now.value.runbook?.question
    }, 30_000)
    expect(`${question.title} ${question.body}`).toMatch(/1Password/)
    const busy = await rig.rotate('--yes')
    expect(busy).toMatchObject({ code: 1, last: { result: 'failed', error: { code: 'busy' } } })
    op.mode('')
    await rig.client.runbooks.answer({ question: question.id, agreed: true })
    await eventually(async () => {
      const told = await rig.client.runbooks.state({ after: 0, waitMs: 0 })
      return told.ok && told.value.end?.result === 'done'
    }, 30_000)
    expect(inOp()).toBe(inFile())
    await isWhole(inFile())
  })

  it('goes on by itself once 1Password is unlocked, where nobody can be asked', async () => {
    await fresh(`file:${file}`, opSink)
    op.mode('signed-out')
    const going = rig.rotate('--yes', '--overlap', '0')
    await eventually(async () => {
      const now = await rig.client.app.snapshot({})
      return now.ok && now.value.runbook?.question?.triesAgain
    }, 30_000)
    op.mode('')
    const { lines, last } = await going
    expect(last.result).toBe('done')
    expect(lines.find(({ phase }) => phase === 'wait')?.question?.title).toBe('Sign in at 1Password')
    expect(inOp()).toBe(inFile())
    await isWhole(inFile())
  })

  it('goes on when the registry dies in the middle', async () => {
    const old = await fresh(`file:${file}`)
    const { pid } = (await rig.status()).registry
    const once = join(rig.folder, 'killed')
    const kill = `cat > /dev/null; test -e ${once} || { touch ${once}; kill -9 ${pid}; }`
    await rig.manage(undefined, `file:${file}`, `command:${kill}`)
    expect((await rig.rotate('--yes', '--overlap', '0')).last.result).toBe('done')
    expect((await rig.status()).registry.pid).not.toBe(pid)
    expect(await rig.letsIn(old)).toBe(false)
    await isWhole(inFile())
  })

  it('is cancelled while a sink takes its time, and delivers the old key again', async () => {
    const old = await fresh(`file:${file}`)
    const marker = join(rig.folder, 'slow')
    const slow = `test -e ${marker} && exit 0; touch ${marker}; sleep 60`
    await rig.manage(undefined, `file:${file}`, `command:${slow}`)
    const going = rig.rotate('--yes')
    await eventually(() => existsSync(marker) && inFile() !== old, 30_000)
    expect((await rig.zotbar('runbooks', 'cancel')).code).toBe(0)
    expect((await going).last.result).toBe('cancelled')
    await isWhole(old)
  })

  it('is cancelled where nobody can agree, and changes nothing', async () => {
    const old = await fresh(`file:${file}`)
    expect((await rig.rotate()).last.result).toBe('cancelled')
    await isWhole(old)
  })

  it('makes the new key another way when the one in use was revoked, and says so before', async () => {
    const old = await fresh(`file:${file}`)
    const { uuid } = await rig.managed()
    await rig.client.keys.revoke({ uuid, descendants: false })
    expect((await rig.managed()).drift).toMatchObject([{ id: 'revoked-elsewhere' }])
    const told = await rig.rotate('--yes', '--overlap', '0')
    expect(told.last.result).toBe('done')
    expect(partsOf(told, 'preflight')['current']).toBe('unproven')
    expect(inFile()).not.toBe(old)
    await isWhole(inFile())
  })

  it('reports a sink that holds an older key, and delivers the key again', async () => {
    const key = await fresh(`file:${file}`)
    writeFileSync(file, `zak_${'0'.repeat(32)}`)
    expect(await rig.prove()).toMatchObject({ works: false })
    expect((await rig.managed()).drift).toMatchObject([{ id: 'sink-stale' }])
    expect((await rig.zotbar('keys', 'manage', user)).code).toBe(0)
    await isWhole(key)
  })

  it('proves only what can be tried: no repository, no tag, no right to push', async () => {
    const key = await fresh(`file:${file}`)
    await rig.zotbar('keys', 'manage', user, '--prove-repository', 'team/none')
    const told = await rig.rotate('--yes', '--overlap', '0')
    expect(told.last.result).toBe('done')
    expect(partsOf(told, 'prove')).toEqual({
      authenticates: 'passed',
      pull: 'skipped',
      upload: 'skipped',
      overwrite: 'skipped',
    })
    const { apiKey } = await rig.newKey('reader')
    await rig.zotbarGiven(apiKey, 'keys', 'manage', 'reader', '--key-stdin', '--prove-repository', 'team/app')
    const refused = JSON.parse((await rig.zotbar('keys', 'prove', 'reader', '--json')).stdout) as object
    expect(refused).toMatchObject({ works: false })
    const reader = await rig.zotbar('keys', 'rotate', 'reader', '--yes', '--json')
    const last = reader.stdout.trim().split('\n').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ result: 'rolled-back', error: { code: 'proof-failed' } })
    expect(await rig.keys('reader')).toHaveLength(1)
    await rig.zotbar('keys', 'unmanage', 'reader')
    expect(await rig.letsIn(key)).toBe(false)
  })

  it('tells when overwriting is allowed', async () => {
    const { apiKey } = await rig.newKey('boss')
    await rig.zotbarGiven(apiKey, 'keys', 'manage', 'boss', '--key-stdin', '--prove-repository', 'team/app')
    const { stdout } = await rig.zotbar('keys', 'prove', 'boss', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      works: true,
      checks: [
        { state: 'passed' },
        { state: 'passed' },
        { state: 'passed' },
        { id: 'overwrite', state: 'unproven' },
      ],
    })
    await rig.zotbar('keys', 'unmanage', 'boss')
  })

  it('takes no key of another, none with spaces in it, and none that is none', async () => {
    const mine = await fresh(`file:${file}`)
    const { apiKey } = await rig.newKey('bob')
    const given = async (text: string) => {
      const { code, stdout } = await rig.zotbarGiven(text, 'keys', 'manage', user, '--key-stdin', '--json')
      expect(stdout).not.toContain(text.trim().slice(4, 20))
      return { code, ...(JSON.parse(stdout) as { error: { code: string; owner?: string } }) }
    }
    expect(await given(apiKey)).toMatchObject({ code: 1, error: { code: 'key-not-accepted', owner: 'bob' } })
    expect(await given(`${mine.slice(0, 12)} ${mine.slice(12)}`)).toMatchObject({
      error: { code: 'key-malformed' },
    })
    expect(await given('password12345678901234567890')).toMatchObject({ error: { code: 'key-malformed' } })
    expect(await given(`zak_${'f'.repeat(32)}`)).toMatchObject({ error: { code: 'key-not-accepted' } })
    expect((await rig.zotbarGiven(`  ${mine} \r\n`, 'keys', 'manage', user, '--key-stdin')).code).toBe(0)
    await isWhole(mine)
  })

  it('shows a key on the command line, and never over HTTP', async () => {
    const key = await fresh()
    expect((await rig.zotbar('keys', 'show', user)).stdout).toBe(`${key}\n`)
    const { stdout } = await rig.zotbar('keys', 'show', user, '--json')
    expect(JSON.parse(stdout)).toEqual({ user, apiKey: key })
    expect((await rig.zotbar('keys', 'show', 'nobody', '--json')).code).toBe(1)

    const link = await rig.client.app.dashboardLink({})
    const url = new URL(link.ok ? link.value.url : '')
    const post = async (
      path: string,
      body: object,
      headers: Record<string, string> = {},
    ): Promise<string> => {
      const sent = { method: 'POST', body: JSON.stringify(body) }
      return (
        await fetch(new URL(path, url), {
          ...sent,
          headers: { 'content-type': 'application/json', ...headers },
        })
      ).text()
    }
    const signedIn = await post('/api/session', { token: url.hash.replace('#token=', '') })
    const session = (JSON.parse(signedIn) as { value: { session: string } }).value.session
    for (const [name, input] of [
      ['keys.showSecret', { user }],
      ['keys.copySecret', { secret: 'x' }],
      ['keys.managed', {}],
      ['keys.list', {}],
    ] as const) {
      const answer = await post(`/api/${name}`, input, { 'x-zotbar-session': session })
      expect(answer).not.toContain(key)
      expect((JSON.parse(answer) as { ok: boolean }).ok).toBe(name === 'keys.managed' || name === 'keys.list')
    }
  })

  it('refuses a policy, an overlap and a label that make no sense', async () => {
    const key = await fresh(`file:${file}`)
    for (const [setting, value] of [
      ['rotation.days', '0'],
      ['rotation.days', '10000'],
      ['rotation.overlap', '400d'],
      ['rotation.label', 'two\nlines'],
    ] as const) {
      const { code, stdout } = await rig.zotbar('settings', 'set', setting, value, '--json')
      expect([code, (JSON.parse(stdout) as { error: { code: string } }).error.code]).toEqual([
        1,
        'bad-setting',
      ])
    }
    const wrong = await rig.rotate('--yes', '--overlap', 'soon')
    expect(wrong).toMatchObject({ code: 2, last: { error: { code: 'usage' } } })
    const { last } = await rig.rotate('--yes', '--overlap', '10000d')
    expect(last).toMatchObject({ result: 'failed', error: { code: 'bad-input', field: 'overlap' } })
    const unknown = await rig.zotbar('keys', 'rotate', 'nobody', '--json', '--yes')
    expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'key-not-managed', known: [user] } })
    const unattended = await rig.zotbar('keys', 'rotate', user)
    expect(unattended.code).toBe(1)
    expect(unattended.stdout + unattended.stderr).toContain(
      'Nobody can answer here; agree beforehand with --yes.',
    )
    const sink = await rig.zotbar('keys', 'manage', user, '--sink', 'forgejo:a/b/GITHUB_KEY', '--json')
    expect(JSON.parse(sink.stdout)).toMatchObject({ error: { code: 'bad-sink' } })
    await isWhole(key)
  })
})

describe('a key that has leaked', () => {
  it('is replaced without being used, revoked at once, and so are the keys that nobody knows', async () => {
    const older = await fresh(`file:${file}`)
    await rig.rotate('--yes')
    const old = inFile()
    const leaked = (await rig.managed()).uuid
    const stolen = await createKey(rig.url, { user, key: old }, 'backdoor')
    await fetch(`${rig.url}/v2/team/app/manifests/1`, { headers: thiefOf({ user, key: stolen.apiKey }) })
    // What came out of it again, and one that did not: the key of a password.
    const next = await createKey(rig.url, { user, key: stolen.apiKey }, 'backdoor 2')
    const other = await rig.newKey(user, { label: 'laptop' })
    const told = await rig.rotate('--leaked', '--yes')
    expect(told.last).toEqual({ runbook: 'rotate', result: 'done' })
    expect(told.lines.filter(({ phase }) => phase === 'done').map(({ step }) => step)).toEqual([
      ...['preflight', 'mint', 'keep', 'deliver', 'prove', 'switch', 'overlap'],
      ...['revoke', 'confirm', 'forget', 'others', 'uses'],
    ])
    for (const key of [old, older, stolen.apiKey, next.apiKey, other.apiKey])
      expect(await rig.letsIn(key)).toBe(false)
    expect((await rig.managed()).retiring).toBeUndefined()
    expect(partsOf(told, 'revoke')).toEqual({
      [`key:${stolen.uuid}`]: 'passed',
      [`key:${next.uuid}`]: 'passed',
    })
    expect(partsOf(told, 'others')).toEqual({ [`key:${other.uuid}`]: 'passed' })
    const [thief] = textsOf(told, 'revoke')
    expect(thief).toMatch(/^backdoor, created .* with the leaked key from 127\.0\.0\.1 with thief\/1\.0, /)
    const [created, ...uses] = textsOf(told, 'uses')
    expect(created).toContain(
      `Created the key “backdoor”, ${stolen.uuid}, which is revoked now (POST /zot/auth/apikey: 201)`,
    )
    expect(uses[0]).toContain('Created the key “backdoor 2”')
    expect(uses.join('\n')).toMatch(/with thief\/1\.0: Read team\/app: 1.request, 200$/m)
    // Nothing of this run, whose proof is in the log too.
    const log = await rig.zotbar('logs', '--lines', '5000')
    const { requests } = await requestsIn(log.stdout.split('\n'), { user, ownAgent: undefined })
    const own = requests.find(({ agent }) => agent.startsWith('zotbar (run '))?.agent ?? ''
    const ofRun = requests.filter(({ agent }) => agent === own)
    expect(ofRun.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['read', 'write']))
    expect([created, ...uses].join('\n')).not.toContain(own)
    expect(requests.some(({ keyId }) => keyId === leaked)).toBe(true)
    await isWhole(inFile())
  })
})

describeWith(['skopeo'], 'pushes through a rotation', () => {
  it('none fails, and the automated part with three sinks takes seconds', { timeout: 120_000 }, async () => {
    const authfile = join(rig.folder, 'auth.json')
    const forgejo = await fakeForgejo({ token: 'a-token', repositories: ['team/app'] })
    await rig.zotbar('settings', 'set', 'forgejo.url', forgejo.url)
    await rig.zotbarGiven('a-token', 'keys', 'forgejo-token')
    await fresh(`file:${file}`, `authfile:${authfile}`, 'forgejo:team/app/REGISTRY_KEY')
    expect(
      (await rig.client.keys.rotate({ user, overlap: '0', yes: true, leaked: false, dryRun: false })).ok,
    ).toBe(true)
    await eventually(async () => {
      const told = await rig.client.runbooks.state({ after: 0, waitMs: 0 })
      return told.ok && told.value.end !== undefined
    }, 30_000)

    // skopeo prefers the longer entry for what is pushed.
    const before = JSON.parse(readFileSync(authfile, 'utf8'))
    before.auths[`127.0.0.1:${rig.port}/team`] = before.auths[`127.0.0.1:${rig.port}`]
    writeFileSync(authfile, JSON.stringify(before))
    const [source, to] = [`127.0.0.1:${rig.port}/team/app:1`, `127.0.0.1:${rig.port}/team/pushed`]
    let [pushed, refused, stopped] = [0, [] as string[], false]
    const pushing = (async () => {
      while (!stopped) {
        const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--dest-authfile', authfile]
        pushed += 1
        await run('skopeo', ['copy', ...flags, `docker://${source}`, `docker://${to}:${pushed}`]).catch(
          (error: unknown) => refused.push(String(error)),
        )
      }
    })()
    const from = Date.now()
    // Longer than one push takes: one that began with the old key ends with it.
    const told = await rig.rotate('--yes', '--overlap', '5s')
    const took = Date.now() - from - 5_000
    await eventually(() => pushed > 8, 60_000)
    stopped = true
    await pushing
    expect(told.last.result).toBe('done')
    expect(refused).toEqual([])
    console.log(`${pushed} pushes, ${refused.length} failed; the automated part took ${took} ms`)
    expect(took).toBeLessThan(20_000)
    await forgejo.close()
  })
})
