import { readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import * as v from 'valibot'
import type { ConfigFault, Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import { checkBinary } from '../platform/binary.ts'
import type { Engine } from '../platform/engine.ts'
import { type ProgramResult, type RunOptions, runProgram } from './run-program.ts'

export interface ZotLocations {
  /** The setting `engine.path`; empty where there is none. */
  named: string
  home: string
  /** Electron's Resources folder, in a packaged app. */
  resourcesPath?: string
  /** What a child of the app is given. */
  environment: Record<string, string>
}

/** A zot on this machine. `version` is absent where it does not tell one. */
export type ZotProgram =
  | { path: string; usable: true; version?: string }
  | { path: string; usable: false; reason: string }

type Run = (command: string, args: string[], options: RunOptions) => Promise<ProgramResult>

const versionLimit = 10_000
const verifyLimit = 15_000

/**
 * Every zot there is, in the order in which they are tried: the one in the settings, those under
 * HOME/engines/zot/VERSION (the newest first), the packaged app's, PATH. A named one is listed also when it is not there.
 */
export async function findZots(places: ZotLocations, run: Run = runProgram): Promise<ZotProgram[]> {
  const found: ZotProgram[] = []
  const seen = new Set<string>()
  for (const path of await candidates(places)) {
    const real = await realpath(path).catch(() => undefined)
    if (real === undefined && path !== places.named) continue
    if (seen.has(real ?? path)) continue
    seen.add(real ?? path)
    found.push(await inspectZot(path, places.environment, run))
  }
  return found
}

async function candidates({ named, home, resourcesPath, environment }: ZotLocations): Promise<string[]> {
  const installed = join(home, 'engines', 'zot')
  const versions = (await readdir(installed).catch(() => [])).sort((a, b) =>
    b.localeCompare(a, 'en', { numeric: true }),
  )
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter(folder => folder.startsWith('/'))
  return [
    ...(named === '' ? [] : [named]),
    ...versions.map(version => join(installed, version, 'zot')),
    ...(resourcesPath === undefined ? [] : [join(resourcesPath, 'zot', 'zot')]),
    ...onPath.map(folder => join(folder, 'zot')),
  ]
}

/** File type and architecture before a byte of it runs, then `--version` within 10 s. */
export async function inspectZot(
  path: string,
  environment: Record<string, string>,
  run: Run = runProgram,
): Promise<ZotProgram> {
  const checked = await checkBinary(path)
  if (!checked.ok) return { path, usable: false, reason: checked.reason }
  const ran = await run(path, ['--version'], { environment, timeoutMs: versionLimit })
  switch (ran.kind) {
    case 'too-slow':
      return { path, usable: false, reason: 'it did not report its version within 10 s' }
    case 'not-started':
      return { path, usable: false, reason: `it cannot be started: ${ran.reason}` }
    default: {
      if (ran.signal !== undefined)
        return { path, usable: false, reason: `it was ended by ${ran.signal} when asked for its version` }
      const version = versionIn(ran.output)
      return { path, usable: true, ...(version === undefined ? {} : { version }) }
    }
  }
}

const versionLine = v.object({ message: v.literal('version'), commit: v.string() })

/** "v2.1.15" from the start of `commit` in the JSON line that `zot --version` prints. v2.1.10 prints none. */
export function versionIn(output: string): string | undefined {
  for (const line of output.split('\n')) {
    const read = v.safeParse(versionLine, parseJson(line))
    if (read.success) return tagIn(read.output.commit)
  }
  return undefined
}

const mgmt = v.object({ releaseTag: v.optional(v.string(), ''), commit: v.optional(v.string(), '') })

/** The running version, from the answer of /v2/_zot/ext/mgmt. */
export function runningVersionIn(body: unknown): string | undefined {
  const read = v.safeParse(mgmt, body)
  return read.success ? (tagIn(read.output.releaseTag) ?? tagIn(read.output.commit)) : undefined
}

const tagIn = (text: string): string | undefined => /^v\d+\.\d+\.\d+/.exec(text)?.[0]

/**
 * How a zot is run. SIGTERM cuts what is under way, so pushes are waited for before it; and only from v2.1.6 on is there
 * /livez.
 */
export function zotEngine(path: string, version: string | undefined): Engine {
  return {
    id: 'zot',
    command: path,
    args: ['serve'],
    environment: {},
    ...(version === undefined ? {} : { version }),
    drainsItself: false,
    livenessPath: version !== undefined && isFrom(version, [2, 1, 6]) ? '/livez' : '/v2/',
  }
}

function isFrom(version: string, from: readonly number[]): boolean {
  const parts = version.slice(1).split('.').map(Number)
  for (const [index, least] of from.entries()) {
    const part = parts[index] ?? 0
    if (part !== least) return part > least
  }
  return true
}

/**
 * `zot verify`: config-invalid with what it said when it refuses the file, engine-unusable when it broke off and so said
 * nothing about the file. It reaches no issuer and no upstream.
 */
export async function verifyWithZot(
  path: string,
  configFile: string,
  environment: Record<string, string>,
  { folder = dirname(configFile), run = runProgram }: { folder?: string | undefined; run?: Run } = {},
): Promise<Result<null>> {
  const checked = await checkBinary(path)
  if (!checked.ok) return fail(unusable(path, checked.reason))
  const ran = await run(path, ['verify', configFile], { environment, cwd: folder, timeoutMs: verifyLimit })
  switch (ran.kind) {
    case 'too-slow':
      return fail(unusable(path, 'zot verify did not end within 15 s'))
    case 'not-started':
      return fail(unusable(path, `it cannot be started: ${ran.reason}`))
    default:
      if (ran.code === 0) return ok(null)
      return verdictOf(ran, path, configFile)
  }
}

const unusable = (path: string, reason: string): Failure => ({
  code: 'engine-unusable',
  engine: 'zot',
  path,
  reason,
})

const logLine = v.object({
  level: v.string(),
  message: v.string(),
  error: v.optional(v.unknown()),
})

function verdictOf(
  { output, code, signal }: Extract<ProgramResult, { kind: 'ended' }>,
  path: string,
  configFile: string,
): Result<null> {
  const lines = output.split('\n').filter(line => line.trim() !== '')
  const told = toldIn(lines)
  if (told.length > 0) return invalid(configFile, told)
  // The frames after a panic are about zot alone.
  const panic = lines.find(line => /^(panic|fatal error): /.test(line))?.slice(0, 500)
  if (panic !== undefined)
    return fail(unusable(path, `zot verify broke off while it looked at ${configFile}: ${panic}`))
  if (signal !== undefined)
    return fail(unusable(path, `zot verify was ended by ${signal} while it looked at ${configFile}`))
  const errors = lines.filter(line => line.startsWith('Error: '))
  const last = errors.length > 0 ? errors : lines.slice(-5)
  return invalid(configFile, last.length > 0 ? last : [`zot verify ended with code ${code}`])
}

function invalid(file: string, messages: readonly string[]): Result<null> {
  const faults: ConfigFault[] = messages.map(message => ({ message: message.slice(0, 500) }))
  return fail({ code: 'config-invalid', file, faults })
}

/** The errors among the lines of its log. */
const toldIn = (lines: readonly string[]): string[] =>
  lines.flatMap(line => {
    const read = v.safeParse(logLine, parseJson(line))
    if (!read.success || !['error', 'fatal', 'panic'].includes(read.output.level)) return []
    const { message, error } = read.output
    return [`zot verify: ${message}${error === undefined ? '' : `: ${textOf(error)}`}`]
  })

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
