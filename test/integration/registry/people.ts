import { writeFileSync } from 'node:fs'
import { hashSync } from 'bcryptjs'
import type { Answer, AskOptions, Registry } from './registry-process.ts'

/** Passwords: the name with "-password" after it. */
export const passwordOf = (user: string): string => `${user}-password`

/** Writes an htpasswd file of cheap hashes beside the root; answers its path. */
export function writeHtpasswd(root: string, ...users: string[]): string {
  const file = `${root}.htpasswd`
  writeFileSync(file, users.map(user => `${user}:${hashSync(passwordOf(user), 4)}\n`).join(''))
  return file
}

/** Anonymous reads, the CI group adds new tags, the admins group does everything. */
export function threeTiers(htpasswd: string, more: object = {}): object {
  return {
    http: {
      address: '127.0.0.1',
      port: '0',
      realm: 'the registry',
      auth: { htpasswd: { path: htpasswd }, apikey: true },
      accessControl: {
        repositories: {
          '**': {
            anonymousPolicy: ['read'],
            policies: [{ groups: ['ci'], actions: ['read', 'create'] }],
          },
          'private/**': { policies: [{ users: ['alice'], actions: ['read', 'create'] }] },
        },
        adminPolicy: { groups: ['admins'], actions: ['read', 'create', 'update', 'delete'] },
        groups: { ci: { users: ['robot'] }, admins: { users: ['root'] } },
        ...more,
      },
    },
  }
}

export const basic = (user: string, password = passwordOf(user)): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** The registry as seen by somebody who sends this Authorization with everything. */
export function as(registry: Registry, authorization: string) {
  return {
    ask: (path: string, { headers = {}, ...rest }: AskOptions = {}): Promise<Answer> =>
      registry.ask(path, { ...rest, headers: { Authorization: authorization, ...headers } }),
  }
}
