import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ControlClient, controlClient } from '../../../client/control-client.ts'
import type { CheckedManagedKey, KeyProof } from '../../../contract/key.ts'
import type { Result } from '../../../contract/result.ts'
import type { RunbookEnd, RunbookLine } from '../../../contract/runbook.ts'
import { createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'
import { writeHtpasswd } from '../registry/people.ts'

export const policies = {
  '**': {
    anonymousPolicy: ['read'],
    defaultPolicy: ['read'],
    policies: [{ users: ['pusher'], actions: ['read', 'create', 'update', 'delete'] }],
  },
  'team/**': {
    anonymousPolicy: ['read'],
    defaultPolicy: ['read'],
    policies: [
      { users: ['zot-ci'], actions: ['read', 'create'] },
      { users: ['pusher', 'boss'], actions: ['read', 'create', 'update', 'delete'] },
    ],
  },
}

export interface Told {
  code: number
  stderr: string
  lines: (RunbookLine & RunbookEnd)[]
  last: RunbookLine & RunbookEnd
}

/** An app with API keys, an encrypted store, and an image in team/app that everybody may read. */
export async function createRotationRig(more: Record<string, string> = {}, wanted: { image?: boolean } = {}) {
  const rig = await createAppRig(undefined, more)
  rig.configure({
    ...rig.standard,
    http: { ...rig.standard.http, auth: { apikey: true }, accessControl: { repositories: policies } },
  })
  const keyFile = join(rig.folder, 'key-file')
  writeFileSync(keyFile, 'a passphrase of several words\n')
  chmodSync(keyFile, 0o600)
  mkdirSync(rig.home, { recursive: true, mode: 0o700 })
  writeFileSync(join(rig.home, 'settings.json'), JSON.stringify({ 'secrets.keyFile': keyFile }), {
    mode: 0o600,
  })

  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await rig.zotbar(...args, '--json')).stdout) as T
  const basic = (user: string, key: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`,
  })

  /** As the command line asks, without its start: for tests with many cases. */
  const { zotbar: client }: ControlClient = controlClient({
    socketPath: join(rig.home, 'control.sock'),
    home: rig.home,
  })
  const must = <T>(asked: Result<T>): T => {
    if (!asked.ok) throw new Error(JSON.stringify(asked.error))
    return asked.value
  }

  const made = {
    ...rig,
    json,
    client,
    basic,
    /** A key of any user, made over the administration socket. */
    async newKey(
      user: string,
      wish: { label?: string; expires?: string } = {},
    ): Promise<{ uuid: string; apiKey: string }> {
      const { uuid, apiKey = '' } = must(await client.keys.create({ user, label: '', scopes: [], ...wish }))
      return { uuid, apiKey }
    },
    keys: async (user = 'zot-ci') => must(await client.keys.list({})).keys.filter(key => key.user === user),
    /** Managed with these sinks, and with team/app to prove itself in. */
    manage: async (key: string | undefined, ...sinks: string[]): Promise<CheckedManagedKey> =>
      must(
        await client.keys.manage({
          user: 'zot-ci',
          ...(key === undefined ? {} : { key }),
          sinks,
          proveRepository: 'team/app',
        }),
      ),
    managed: async () => must(await client.keys.managed({})).keys[0]!,
    prove: async (): Promise<KeyProof> => must(await client.keys.prove({ user: 'zot-ci' })),
    async rotate(...args: string[]): Promise<Told> {
      const { code, stdout, stderr } = await rig.zotbar('keys', 'rotate', 'zot-ci', '--json', ...args)
      const lines = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as RunbookLine & RunbookEnd)
      return { code, stderr, lines, last: lines.at(-1)! }
    },
    /** Whether the registry lets this user in. */
    async letsIn(key: string, user = 'zot-ci'): Promise<boolean> {
      const answer = await fetch(`${rig.url}/zot/auth/apikey`, { headers: basic(user, key) })
      return answer.status === 200
    },
    asUser(user: string, key: string) {
      const plain = targetAt(rig.url)
      return {
        ask: (path: string, options: Parameters<typeof plain.ask>[1] = {}) =>
          plain.ask(path, { ...options, headers: { ...options.headers, ...basic(user, key) } }),
      }
    },
    /** Every file below a folder with its text. */
    texts(folder = rig.home): { file: string; text: string }[] {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name))
        .map(file => ({ file, text: readFileSync(file, 'latin1') }))
    },
    async begin(): Promise<Awaited<ReturnType<typeof rig.serving>>> {
      const app = await rig.serving()
      if (wanted.image !== false) {
        const { apiKey } = await made.newKey('pusher')
        await pushImage(made.asUser('pusher', apiKey), 'team/app', '1', 'one')
      }
      return app
    },
  }
  return made
}
export type RotationRig = Awaited<ReturnType<typeof createRotationRig>>

/** Makes zot the engine, from the next start on. */
export function chooseZot({ home }: Pick<RotationRig, 'home'>, program: string): void {
  const settings = join(home, 'settings.json')
  const before = JSON.parse(readFileSync(settings, 'utf8'))
  writeFileSync(settings, JSON.stringify({ ...before, engine: 'zot', 'engine.path': program }))
}

/** Starts a real zot with API keys, for users with passwords. */
export async function serveZot(rig: RotationRig, program: string, ...users: string[]): Promise<void> {
  mkdirSync(rig.data, { recursive: true, mode: 0o700 })
  const auth = { htpasswd: { path: writeHtpasswd(rig.data, ...users) }, apikey: true }
  rig.configure({
    ...rig.standard,
    http: { ...rig.standard.http, auth, accessControl: { repositories: policies } },
  })
  chooseZot(rig, program)
  await rig.serving()
}

/** What a registry lists of a run's parts: the last state of each. */
export function partsOf({ lines }: Told, step: string): Record<string, string> {
  const parts = lines.flatMap(line => (line.step === step && line.part ? [line.part] : []))
  return Object.fromEntries(parts.map(part => [part.id, part.state]))
}

/** The ended parts of a step in the order in which they came: "title: words". */
export const textsOf = ({ lines }: Told, step: string): string[] =>
  lines
    .flatMap(line => (line.step === step && line.part?.words !== undefined ? [line.part] : []))
    .map(({ title, words }) => `${title}: ${words}`)

/** As somebody asks who took a key. */
export const thiefOf = ({ user, key }: { user: string; key: string }) => ({
  authorization: `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`,
  'user-agent': 'thief/1.0',
})

/** What a thief does first: creates a key with the one that was taken. */
export async function createKey(
  url: string,
  stolen: { user: string; key: string },
  label: string,
): Promise<{ uuid: string; apiKey: string }> {
  const body = JSON.stringify({ label })
  const made = await fetch(`${url}/zot/auth/apikey`, { method: 'POST', headers: thiefOf(stolen), body })
  return (await made.json()) as { uuid: string; apiKey: string }
}
