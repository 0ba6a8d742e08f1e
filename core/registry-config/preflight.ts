import { dirname, join, resolve } from 'node:path'
import type { ConfigFault, Failure } from '../../contract/failure.ts'
import { clientName } from '../../contract/messages/address-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { rootOf } from '../../lib/sub-folders.ts'
import {
  type AnonymousRights,
  anonymousRights,
  openAddress,
  signsIn,
} from '../../registry/config/anonymous-rights.ts'
import type { Config } from '../../registry/config/config.ts'
import { readListenAddress } from '../../registry/config/listen-address.ts'
import { loadConfig } from '../../registry/config/load.ts'
import type { ConfigProblem } from '../../registry/config/problem.ts'
import { unreachable, unsupported } from '../../registry/config/supported.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import { checkVolume } from '../platform/volume.ts'
import type { StoreLayout } from '../verify/inventory.ts'
import { type CachedUpstream, cachedUpstreams } from './cached-upstreams.ts'
import { logOutputFault } from './log-output.ts'
import { checkNamedFiles, type NamedFile, namedFilesIn } from './named-files.ts'
import { type SignInPlace, signInPlaceOf } from './sign-in-place.ts'

/** What config.json says that the app needs to know. `url` has no trailing slash. */
export interface Target {
  url: string
  /** Where this machine reaches it, as in `url`. */
  host: string
  /** Where it listens, which may be every address: in Node's form. */
  listen: string
  port: number
  dataFolder: string
  /** Those of storage.subPaths, by the first part of a name. */
  subFolders: Record<string, string>
  /** `http.externalUrl`, as it is written. */
  externalUrl?: string
  /** Whether somebody may have to show who they are. */
  signsIn: boolean
  /** What everybody may do. */
  rights: AnonymousRights
  /** ADDRESS:PORT where other machines reach it and nobody is asked who they are. */
  openAt?: string
  /** What log.output of config.json names, absolute: a file, or a device. */
  logOutput?: string
  /** What the registry shows over https, absolute. */
  certificate?: string
  /** The accounts' file, absolute. */
  htpasswd?: string
  /** What it reads when it starts, besides config.json. */
  namedFiles: NamedFile[]
  /** Keys that only zot can judge, where zot is the engine. */
  unknownKeys: ConfigFault[]
  /** Where people sign in by browser, where they can. */
  signIn?: SignInPlace
  /** Whose images are copied here, and under which path. */
  upstreams: CachedUpstream[]
  /** Repositories that hold copies from upstreams: not probed, counted as cached. */
  isCached(repository: string): boolean
}

type EngineId = 'zotbar-registry' | 'zot'

/**
 * Reads config.json and says where the registry will answer, or what is wrong with the file. What only zotbar-registry
 * cannot do is refused for it alone: zot says itself what it accepts.
 */
export async function readTarget(
  configFile: string,
  engine: EngineId = 'zotbar-registry',
): Promise<Result<Target>> {
  const loaded = await loadConfig(configFile, { engine })
  if (!loaded.ok) {
    const isMissing = loaded.problems.some(
      problem => problem.code === 'unreadable' && problem.message.includes('does not exist'),
    )
    return isMissing
      ? fail({ code: 'config-missing', file: configFile })
      : fail(invalid(configFile, loaded.problems))
  }
  const refused = [...unreachable(loaded, engine), ...(engine === 'zot' ? [] : unsupported(loaded))]
  if (loaded.config.http.port === 0)
    refused.push({
      code: 'not-allowed',
      keyPath: 'http.port',
      message: 'is 0, so the kernel would choose another port at every start, and no client could rely on it',
      ...(loaded.positions['http.port'] ?? {}),
      allowed: '1 to 65535',
    })
  if (refused.length > 0) return fail(invalid(configFile, refused))
  const unknownKeys = faultsOf(loaded.warnings.filter(({ code }) => code === 'unknown-key'))
  return ok({ ...targetOf(loaded.config, dirname(configFile), engine), unknownKeys })
}

/** All data folders of config.json, absolute; undefined where it cannot be read. */
export async function rootsIn(configFile: string): Promise<string[] | undefined> {
  const loaded = await loadConfig(configFile, { engine: 'zot' })
  if (!loaded.ok) return undefined
  const { rootDirectory, subPaths } = loaded.config.storage
  const all = [rootDirectory, ...Object.values(subPaths).map(sub => sub.rootDirectory)]
  return [...new Set(all.map(root => resolve(dirname(configFile), root)))]
}

/** Which repositories hold copies of an upstream, and which data folder serves which: the others are leftovers. */
export async function layoutIn(configFile: string): Promise<StoreLayout> {
  const target = await readTarget(configFile, 'zot')
  if (!target.ok) return { isCached: () => false, serves: () => true }
  const { dataFolder, subFolders, isCached } = target.value
  return { isCached, serves: (root, repository) => rootOf(dataFolder, subFolders, repository) === root }
}

/** Before every start: the config is valid, what it names is there, the data can be written, nobody else uses it. */
export async function preflight(
  configFile: string,
  processes: ProcessTable,
  engine: EngineId = 'zotbar-registry',
): Promise<Result<Target>> {
  const target = await readTarget(configFile, engine)
  if (!target.ok) return target
  const log = await checkLogOutput(configFile, target.value)
  if (!log.ok) return log
  const folders = await checkFolders(target.value)
  if (!folders.ok) return folders
  const files = await checkNamedFiles(target.value.namedFiles, engine)
  return files.ok ? otherHolder(target.value, processes) : files
}

/** Whether the data folders can be served from, or made: each error of `checkVolume`. */
export async function checkFolders(target: Target): Promise<Result<Target>> {
  const root = await checkVolume(target.dataFolder)
  if (!root.ok) return root
  for (const folder of Object.values(target.subFolders)) {
    const sub = await checkVolume(folder)
    // One that lies in a root that is yet to be made has no parent either.
    if (!sub.ok && sub.error.code !== 'data-volume-missing') return sub
  }
  return ok(target)
}

/** Fails with config-invalid when the engine could not open the log that config.json names. */
export async function checkLogOutput(configFile: string, target: Target): Promise<Result<Target>> {
  const fault = await logOutputFault(target.logOutput)
  return fault === undefined
    ? ok(target)
    : fail({ code: 'config-invalid', file: configFile, faults: [fault] })
}

/** Fails with root-in-use when a process other than `own` has the data open. */
export async function otherHolder(
  target: Target,
  processes: ProcessTable,
  ownPid?: number,
): Promise<Result<Target>> {
  const { dataFolder, subFolders, listen, port } = target
  // zot's lock and ours do not see each other, so both are looked for.
  const locks = [...zotDatabases, join('_zotbar', 'lock.db')]
  const folders = [dataFolder, ...Object.values(subFolders)].flatMap(path =>
    locks.map(name => ({ path, file: join(path, name) })),
  )
  const held = await Promise.all(
    folders.map(async ({ path, file }) => ({ path, holders: await processes.holders(file) })),
  )
  for (const { path, holders } of held) {
    const pid = holders.find(holder => holder !== ownPid)
    if (pid === undefined) continue
    // It has the port too: whoever looks at the port next tells more about it.
    if ((await processes.portOwner(port, listen, pid))?.pid === pid) return ok(target)
    const command = (await processes.commandLine(pid))?.join(' ')
    const keptBy = await processes.keptBy(pid)
    return fail({
      code: 'root-in-use',
      path,
      pid,
      ...(command === undefined ? {} : { command }),
      ...(keptBy === undefined ? {} : { keptBy }),
    })
  }
  return ok(target)
}

/** Relative paths are meant from the folder of config.json, where the engine runs. */
function targetOf(config: Config, folder: string, engine: EngineId): Omit<Target, 'unknownKeys'> {
  const { address, port, externalUrl, auth, tls } = config.http
  const { listen, host } = readListenAddress(address) ?? { listen: address, host: '127.0.0.1' }
  const destinations = (config.extensions?.sync?.registries ?? [])
    .flatMap(registry => registry.content)
    .map(content => (content.destination ?? '').replace(/^\/+|\/+$/g, ''))
    .filter(destination => destination !== '')
  const signIn = signInPlaceOf(config, engine)
  const openAt = openAddress(config)
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    host,
    listen,
    port,
    dataFolder: resolve(folder, config.storage.rootDirectory),
    subFolders: Object.fromEntries(
      Object.entries(config.storage.subPaths).map(([path, { rootDirectory }]) => [
        path.replace(/^\/+/, ''),
        resolve(folder, rootDirectory),
      ]),
    ),
    // One that names no host ("https://", "/registry") is no address to give to anybody.
    ...(externalUrl && clientName(externalUrl) !== '' ? { externalUrl } : {}),
    signsIn: signsIn(config),
    rights: anonymousRights(config),
    ...(openAt === undefined ? {} : { openAt }),
    ...(config.log.output ? { logOutput: resolve(folder, config.log.output) } : {}),
    ...(tls?.cert ? { certificate: resolve(folder, tls.cert) } : {}),
    ...(auth?.htpasswd ? { htpasswd: resolve(folder, auth.htpasswd.path) } : {}),
    namedFiles: namedFilesIn(config, folder),
    ...(signIn ? { signIn } : {}),
    upstreams: cachedUpstreams(config),
    isCached: repository => destinations.some(to => repository === to || repository.startsWith(`${to}/`)),
  }
}

const invalid = (file: string, problems: ConfigProblem[]): Failure => ({
  code: 'config-invalid',
  file,
  faults: faultsOf(problems),
})

/** Problems of config.json as the contract has them. */
export function faultsOf(problems: ConfigProblem[]): ConfigFault[] {
  return problems.map(({ message, keyPath, line, column, allowed }) => ({
    message,
    ...(keyPath === undefined ? {} : { keyPath }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(allowed === undefined ? {} : { allowed }),
  }))
}
