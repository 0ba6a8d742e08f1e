import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import { fakeForgejo } from '../../fakes/forgejo.ts'
import { fakeOp } from '../../fakes/op.ts'
import { createRotationRig, type RotationRig } from './rotation-rig.ts'

let rig: RotationRig
let opFolder: string
let forgejo: Awaited<ReturnType<typeof fakeForgejo>>
beforeEach(async () => {
  opFolder = mkdtempSync(join(tmpdir(), 'zotbar-op-'))
  forgejo = await fakeForgejo({ token: 'zotbar-forgejo-token', repositories: ['team/app'] })
})
afterEach(async () => {
  await rig.end()
  await forgejo.close()
  rmSync(opFolder, { recursive: true, force: true })
})

/** What every process shows to others of this user, from now until it is stopped. */
function watchProcesses(): () => Promise<string[]> {
  const seen = new Set<string>()
  let stopped = false
  const watching = (async () => {
    while (!stopped) {
      for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
        for (const file of ['cmdline', 'environ'])
          try {
            seen.add(readFileSync(join('/proc', pid, file), 'latin1'))
          } catch {
            // It ended meanwhile, or is somebody else's.
          }
      await new Promise(done => setTimeout(done, 5))
    }
  })()
  return async () => {
    stopped = true
    await watching
    return [...seen]
  }
}

it('keeps a key in the store and the sinks alone', { timeout: 120_000 }, async () => {
  const op = fakeOp(opFolder)
  op.put('CI', 'registry', { password: 'before' })
  rig = await createRotationRig({ PATH: op.bin, ...op.environment })
  await rig.begin()
  await rig.zotbar('settings', 'set', 'forgejo.url', forgejo.url)
  await rig.zotbarGiven('zotbar-forgejo-token', 'keys', 'forgejo-token')
  const sinkFiles = Object.fromEntries(
    ['file', 'authfile', 'command'].map(name => [name, join(rig.folder, `place-${name}`)]),
  )
  const { apiKey: old } = await rig.newKey('zot-ci')

  const stopWatching = watchProcesses()
  const told: string[] = []
  const hear = (what: unknown): void => void told.push(JSON.stringify(what))
  const events = await controlClient({
    socketPath: join(rig.home, 'control.sock'),
    home: rig.home,
  }).events({ snapshot: hear, log: hear })

  hear(
    await rig.manage(
      old,
      `file:${sinkFiles['file']}`,
      `authfile:${sinkFiles['authfile']}`,
      `command:cat > ${sinkFiles['command']}`,
      'op:CI/registry/password',
      'forgejo:team/app/REGISTRY_KEY',
    ),
  )
  const first = await rig.rotate('--yes', '--overlap', '0')
  expect(first.last.result).toBe('done')
  const second = readFileSync(sinkFiles['file'] ?? '', 'utf8')
  // The way back handles keys too.
  await rig.manage(undefined, `file:${sinkFiles['file']}`, 'command:cat >&2; exit 1')
  const back = await rig.rotate('--yes')
  expect(back.last.result).toBe('rolled-back')
  const third = await rig.rotate('--leaked', '--yes').then(async run => {
    await rig.manage(undefined, `file:${sinkFiles['file']}`)
    const last = await rig.rotate('--yes')
    hear([run, last])
    return readFileSync(sinkFiles['file'] ?? '', 'utf8')
  })
  hear([first, back, await rig.client.keys.managed({}), await rig.client.keys.list({}), await rig.prove()])
  const history = await rig.client.runbooks.history({})
  hear(history)
  for (const { run } of history.ok ? history.value.runs : []) hear(await rig.client.runbooks.show({ run }))
  hear(await rig.client.logs.tail({ lines: 5000 }))
  hear(await rig.client.app.snapshot({}))
  const refused = await rig.zotbarGiven(`${second} x`, 'keys', 'manage', 'zot-ci', '--key-stdin', '--json')
  told.push(refused.stdout, refused.stderr)
  if (events.ok) events.value.stop()
  const processes = await stopWatching()

  const secrets = [old, second, third, 'zotbar-forgejo-token', 'a passphrase of several words']
  expect(new Set(secrets).size).toBe(5)
  const forms = secrets.flatMap(secret => [
    secret.replace(/^zak_/, ''),
    Buffer.from(`zot-ci:${secret}`).toString('base64').slice(10, -4),
    Buffer.from(secret).toString('base64').slice(0, -4),
  ])
  const found = (text: string): boolean => forms.some(form => text.includes(form))
  const allowed = [...Object.values(sinkFiles), join(rig.folder, 'key-file')]
  const files = rig.texts(rig.folder)
  expect(
    files.filter(({ file, text }) => found(text) && !allowed.includes(file)).map(({ file }) => file),
  ).toEqual([])
  expect(files.length).toBeGreaterThan(20)
  expect(files.some(({ file }) => file.endsWith('.jsonl') && file.includes('runbooks'))).toBe(true)
  expect(processes.filter(found)).toEqual([])
  expect(processes.length).toBeGreaterThan(20)
  expect(told.filter(found)).toEqual([])
  // The search itself works: the sinks hold what is searched for.
  expect(found(readFileSync(sinkFiles['file'] ?? '', 'utf8'))).toBe(true)
  expect(found(readFileSync(sinkFiles['authfile'] ?? '', 'utf8'))).toBe(true)
})
