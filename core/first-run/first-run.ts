import { lstat, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { createAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'

export interface FirstRun {
  /** The config.json to use. Absolute. */
  configFile: string
  /** Only when a first config.json was written just now. */
  wrote?: { dataFolder: string; admin?: { user: string } }
}

/** An account that was just made for the first config.json, and its htpasswd file. */
export interface MadeAdmin {
  user: string
  htpasswd: string
  /** Takes it back, where another config.json came first. */
  discard(): Promise<void>
}

interface Options {
  /** The user's home folder, absolute. */
  homeFolder: string
  /** A config.json that the user named: it must exist, and is used as it is. */
  named?: string
  /** Makes an admin whose htpasswd file lies in `folder`. Without it the first config.json has no accounts. */
  makeAdmin?: (folder: string) => Promise<MadeAdmin>
}

/** Where config.json is looked for when none is named. */
export const defaultConfigFile = (homeFolder: string): string =>
  join(homeFolder, '.config', 'zot', 'config.json')

/**
 * The first config.json: on loopback, pulls for everybody, everything else for the admins. Only what differs from the
 * registry's defaults. Who is signed in gets `defaultPolicy` in place of `anonymousPolicy`, so both say read.
 */
export function firstConfig(dataFolder: string, admin?: Pick<MadeAdmin, 'user' | 'htpasswd'>): string {
  const accounts = admin && {
    auth: { htpasswd: { path: admin.htpasswd }, apikey: true },
    accessControl: {
      repositories: { '**': { anonymousPolicy: ['read'], defaultPolicy: ['read'] } },
      groups: { admins: { users: [admin.user] } },
      adminPolicy: { groups: ['admins'], actions: ['read', 'create', 'update', 'delete'] },
    },
  }
  const config = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: dataFolder },
    http: { address: '127.0.0.1', port: '5050', ...accounts },
    log: { level: 'info' },
  }
  return `${JSON.stringify(config, null, 2)}\n`
}

/**
 * Finds the config.json to use. Where none is named and none is at the default place, a first one is written there,
 * whole or not at all, never over another, with its admin; and `~/zot` is made for the data. An existing file is never
 * changed, nor its htpasswd.
 * Errors: config-missing for a named file that is not there; home-unusable when a first one cannot be written.
 */
export async function firstRun({ homeFolder, named, makeAdmin }: Options): Promise<Result<FirstRun>> {
  const configFile = named === undefined ? defaultConfigFile(homeFolder) : resolve(named)
  const dataFolder = join(homeFolder, 'zot')
  try {
    if (await isThere(configFile)) return ok({ configFile })
    if (named !== undefined) return fail({ code: 'config-missing', file: configFile })
    await mkdir(dirname(configFile), { recursive: true, mode: 0o700 })
    // Data first: a config.json that is there promises a folder that can be used.
    await mkdir(dataFolder, { mode: 0o700 }).catch(error => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
    // Somebody else may have put one there in the meantime: then it is theirs that counts.
    const admin = await makeAdmin?.(dirname(configFile))
    if (await createAtomic(configFile, firstConfig(dataFolder, admin)))
      return ok({ configFile, wrote: { dataFolder, ...(admin ? { admin: { user: admin.user } } : {}) } })
    await admin?.discard()
    return ok({ configFile })
  } catch (error) {
    return fail({ code: 'home-unusable', path: dirname(configFile), reason: reasonOf(error) })
  }
}

/** Also true for a link that leads nowhere and a file out of reach: reading it will say what is wrong with it. */
async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (error) {
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR'
  }
}
