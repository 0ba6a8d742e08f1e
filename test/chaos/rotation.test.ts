import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RotateMemory, RotationDeps } from '../../core/rotation/deps.ts'
import { retireSteps } from '../../core/rotation/retire-steps.ts'
import { rotateRunbook } from '../../core/rotation/rotate.ts'
import { type KeyStore, openKeyStore } from '../../core/secrets/key-store.ts'
import { openSystemKeychain } from '../../core/secrets/system-keychain.ts'
import { eventually } from '../fakes/eventually.ts'
import type { AppProcess } from '../integration/app/app-rig.ts'
import { createRotationRig, type RotationRig } from '../integration/rotation/rotation-rig.ts'
import { createJournalReader, journalsIn, lineSeen } from './journal-reader.ts'
import { killDelays, sampleOf } from './samples.ts'

const memory: RotateMemory = {
  registry: '',
  user: 'zot-ci',
  old: { uuid: '', label: '', createdAt: '', expirationDate: null, scopes: [] },
  label: '',
  days: 90,
  overlapMs: 0,
  leaked: false,
  yes: true,
}
// No step runs here.
const { steps } = rotateRunbook(memory, { client: { withAgent: () => undefined } } as unknown as RotationDeps)
const retiring = retireSteps({} as RotationDeps)

interface Case {
  /** Forward in one run; cancelled when all is switched, and so all the way back; or the revocation as its own run. */
  way: 'forward' | 'back' | 'retire'
  line: string
  /** Killed when the line is there, or this long after it, ms: what follows it is then under way. */
  after: number
}

const linesOf = (ids: string[]): string[] => ids.flatMap(id => [`applying ${id}`, `applied ${id}`])
const forward = steps.flatMap(({ id }) => (id === 'ask' ? ['skipped ask'] : linesOf([id])))
const back = steps
  .filter(step => step.undo !== undefined)
  .reverse()
  .flatMap(({ id }) => [`undoing ${id}`, `undone ${id}`])
const delays: Record<string, number[]> = {
  'applying mint': [0, 4, 10, 20],
  'applying deliver': [0, 20, 90],
  'applying switch': [0, 5],
  'undoing switch': [0, 5],
  'undoing deliver': [0, 40],
  'undoing mint': [0, 8],
}
const cases: Case[] = [
  ...['begun', ...forward, 'ended'].map(line => ({ way: 'forward' as const, line })),
  ...['cancelled', ...back, 'ended'].map(line => ({ way: 'back' as const, line })),
  ...['begun', ...linesOf(retiring.map(({ id }) => id)), 'ended'].map(line => ({
    way: 'retire' as const,
    line,
  })),
].flatMap(each => killDelays(delays[each.line] ?? [0]).map(after => ({ ...each, after })))

let rig: RotationRig
let app: AppProcess
/** Reads the disk each time; what takes long, the key that is made of the key file, is made once. */
let store: KeyStore
const sinkFiles: Record<'file' | 'command' | 'authfile', string> = { file: '', command: '', authfile: '' }
const table: string[] = []
let unserved = 0

const keyIn: Record<keyof typeof sinkFiles, () => string> = {
  file: () => readFileSync(sinkFiles.file, 'utf8'),
  command: () => readFileSync(sinkFiles.command, 'utf8').trim(),
  authfile() {
    const { auths } = JSON.parse(readFileSync(sinkFiles.authfile, 'utf8')) as {
      auths: Record<string, { auth: string }>
    }
    const auth = Object.values(auths)[0]?.auth ?? ''
    return Buffer.from(auth, 'base64')
      .toString('utf8')
      .replace(/^zot-ci:/, '')
  },
}

/** What is in the store, read by another process than the app. */
const stored = async (slot: 'current' | 'next' | 'retiring'): Promise<string | undefined> => {
  const kept = await store.get({ registry: `127.0.0.1:${rig.port}`, user: 'zot-ci' }, slot)
  if (!kept.ok) throw new Error(JSON.stringify(kept.error))
  return kept.value
}

/** Without the app, which is dead: the key in the store and the one in each sink let the user in. */
async function everyPlaceWorks(): Promise<void> {
  const current = await stored('current')
  expect(current !== undefined && (await rig.letsIn(current))).toBe(true)
  for (const readKey of Object.values(keyIn)) expect(await rig.letsIn(readKey())).toBe(true)
}

/** All the time: what the file holds lets the user in, or was exchanged meanwhile. */
function watch(): () => Promise<number> {
  let stopped = false
  const watching = (async () => {
    let looks = 0
    while (!stopped) {
      const key = keyIn.file()
      // What cannot be asked at this moment is no answer.
      const works = await rig.letsIn(key).catch(() => true)
      if (!works && keyIn.file() === key) unserved += 1
      looks += 1
      await new Promise(done => setTimeout(done, 10))
    }
    return looks
  })()
  watching.catch(() => {})
  return () => {
    stopped = true
    return watching
  }
}

const wish = { user: 'zot-ci', yes: true, leaked: false, dryRun: false }
const busy = async (): Promise<boolean> => {
  const told = await rig.client.runbooks.state({ after: 0, waitMs: 0 })
  return told.ok && told.value.end === undefined
}

beforeAll(async () => {
  rig = await createRotationRig()
  app = await rig.begin()
  const keyFile = join(rig.folder, 'key-file')
  store = openKeyStore({
    home: rig.home,
    keychain: openSystemKeychain(),
    keyFile: () => keyFile,
    plain: () => false,
  })
  for (const name of Object.keys(sinkFiles) as (keyof typeof sinkFiles)[])
    sinkFiles[name] = join(rig.folder, name)
  const { apiKey } = await rig.newKey('zot-ci')
  await rig.manage(
    apiKey,
    `file:${sinkFiles.file}`,
    `command:cat > ${sinkFiles.command}.new && sleep 0.05 && mv ${sinkFiles.command}.new ${sinkFiles.command}`,
    `authfile:${sinkFiles.authfile}`,
  )
  expect((await rig.rotate('--yes', '--overlap', '0')).last.result).toBe('done')
}, 60_000)
afterAll(async () => {
  await rig.end()
  console.log(`${table.length} of ${cases.length} cases ended whole\n${table.join('\n')}`)
})

describe('kill -9 of the app at each line of the journal of a rotation', () => {
  it.each(sampleOf(cases))(
    '$way, at "$line" and $after ms',
    { timeout: 60_000 },
    async ({ way, line, after }) => {
      const kind = way === 'retire' ? 'retire' : 'rotate'
      const [before] = await rig.keys()
      if (way === 'retire') {
        expect((await rig.client.keys.rotate({ ...wish, overlap: '24h' })).ok).toBe(true)
        await eventually(async () => (await rig.managed()).retiring !== undefined && !(await busy()), 20_000)
      }
      const known = journalsIn(rig.home)
      const journal = createJournalReader(
        rig.home,
        name => !known.includes(name) && name.includes(`-${kind}-`),
      )
      const stopWatching = watch()
      const overlap = way === 'forward' ? '0' : '50s'
      const asked =
        way === 'retire'
          ? await rig.client.keys.endOverlap({ user: 'zot-ci' })
          : await rig.client.keys.rotate({ ...wish, overlap })
      expect(asked.ok).toBe(true)
      const cancelled =
        way === 'back'
          ? lineSeen(journal, 'applying overlap', 30_000).then(() => rig.client.runbooks.cancel({}))
          : undefined
      await lineSeen(journal, line, 30_000)
      if (after > 0) await new Promise(done => setTimeout(done, after))
      app.kill('SIGKILL')
      await app.exited
      await everyPlaceWorks()
      await cancelled

      app = rig.start()
      await app.reach('serving')
      const ended = await eventually(() => journal().find(entry => entry.kind === 'ended'), 30_000)
      const result = ended.kind === 'ended' ? ended.result : 'none'
      expect(await stopWatching()).toBeGreaterThan(0)
      expect(unserved).toBe(0)
      await everyPlaceWorks()

      const keys = await rig.keys()
      expect(keys).toHaveLength(1)
      expect(keys[0]?.managed).toBe(true)
      const isNew = keys[0]?.uuid !== before?.uuid
      expect(isNew).toBe(result === 'done')
      expect(result).toBe(way === 'back' ? 'cancelled' : 'done')
      expect([await stored('next'), await stored('retiring')]).toEqual([undefined, undefined])
      const current = await stored('current')
      for (const readKey of Object.values(keyIn)) expect(readKey()).toBe(current)
      expect((await rig.managed()).drift).toEqual([])
      table.push(`${way.padEnd(8)} ${line.padEnd(18)} +${after} ms: ${result}`)
    },
  )
})
