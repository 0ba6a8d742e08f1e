import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hash } from 'bcryptjs'
import type { Bench } from './figure.ts'
import { populated } from './populated.ts'

const [user, password] = ['ci', 'a password of the bench']
const basic = (secret: string): string => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`

/**
 * Our engine on the populated store, with access rules under which some may be read without credentials, and a key
 * for the Authorization header.
 */
export async function startWithKey(bench: Bench, engine: NonNullable<Bench['engine']>) {
  const folder = await populated(bench, { layout: 'zot' })
  const users = join(folder, 'htpasswd')
  await writeFile(users, `${user}:${await hash(password, 5)}\n`)
  const server = await engine.start(bench.work, folder, {
    settings: {
      http: {
        auth: { htpasswd: { path: users }, apikey: true },
        accessControl: {
          groups: { ci: { users: [user] } },
          repositories: {
            '**': {
              anonymousPolicy: ['read'],
              policies: [{ groups: ['ci'], actions: ['read', 'create'] }],
            },
          },
        },
      },
    },
  })
  return { server, folder, authorization: basic(await createKey(server.url)) }
}

async function createKey(url: string): Promise<string> {
  const answer = await fetch(`${url}/zot/auth/apikey`, {
    method: 'POST',
    headers: { authorization: basic(password), 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'bench', scopes: ['repository:bench/**:read'] }),
  })
  const made: unknown = await answer.json()
  const key = typeof made === 'object' && made !== null ? Reflect.get(made, 'apiKey') : undefined
  if (typeof key !== 'string') throw new Error(`no key: ${answer.status} ${JSON.stringify(made)}`)
  return key
}
