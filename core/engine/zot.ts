import { readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import * as v from 'valibot'
import type { ConfigFault, Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import { checkBinary } from '../platform/binary.ts'
import type { Engine } from '../platform/engine.ts'
import { lastWordOf } from '../platform/last-word.ts'
import { maskSecretsIn } from '../platform/secret-text.ts'
import { compareVersions, isComparable, versionLineIn } from '../platform/zot-version.ts'
import { type ProgramResult, type RunOptions, runProgram } from './run-program.ts'

export interface ZotLocations {
  /** The setting `engine.path`; empty where there is none. */
  named: string
  home: string
  /** The environment of every child of the core. */
  environment: Record<string, string>
}

/**
 * A zot on this machine. `version` and `features`, what was built into it, are absent where its build wrote none down.
 */
export type ZotProgram =
  | { path: string; usable: true; version?: string; features?: string[] }
  | { path: string; usable: false; reason: string }

type Run = (command: string, args: string[], options: RunOptions) => Promise<ProgramResult>

const versionTimeoutMs = 10_000
const verifyTimeoutMs = 15_000

/**
 * Every zot, in the order in which they are tried: the one in the settings, those under HOME/engines/zot/VERSION (the
 * newest first), those in PATH. The one in the settings is listed even if it is missing.
 */
export async function findZots(
  locations: ZotLocations,
  inspect: typeof inspectZot = inspectZot,
): Promise<ZotProgram[]> {
  const programs: ZotProgram[] = []
  const listed = new Set<string>()
  for (const path of await candidates(locations)) {
    const resolved = await realpath(path).catch(() => undefined)
    if (resolved === undefined && path !== locations.named) continue
    if (listed.has(resolved ?? path)) continue
    listed.add(resolved ?? path)
    programs.push(await inspect(path, locations.environment))
  }
  return programs
}

async function candidates({ named, home, environment }: ZotLocations): Promise<string[]> {
  const installed = join(home, 'engines', 'zot')
  const versions = (await readdir(installed).catch(() => [])).sort((a, b) =>
    b.localeCompare(a, 'en', { numeric: true }),
  )
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter(folder => folder.startsWith('/'))
  return [
    ...(named === '' ? [] : [named]),
    ...versions.map(version => join(installed, version, 'zot')),
    ...onPath.map(folder => join(folder, 'zot')),
  ]
}

/**
 * Checks file type and architecture before a byte of it runs, then asks for `--version`, within 10 s: only what reports
 * a version in zot's own form is a zot, and nothing else is run for anything more.
 */
export async function inspectZot(
  path: string,
  environment: Record<string, string>,
  run: Run = runProgram,
): Promise<ZotProgram> {
  const unusable = (reason: string): ZotProgram => ({ path, usable: false, reason })
  const checked = await checkBinary(path)
  if (!checked.ok) return unusable(checked.reason)
  const result = await run(path, ['--version'], { environment, timeoutMs: versionTimeoutMs })
  switch (result.kind) {
    case 'too-slow':
      return unusable('it did not report its version within 10 s')
    case 'not-started':
      return unusable(`it cannot be started: ${result.reason}`)
    default: {
      if (result.signal !== undefined)
        return unusable(
          `it crashed (${result.signal}) when it was asked for its version: it may be cut off or damaged`,
        )
      const line = versionLineIn(result.output)
      return line === undefined ? unusable(anotherProgram) : { path, usable: true, ...line }
    }
  }
}

/** Half a sentence. Homebrew has a `zot` that is something else. */
const anotherProgram =
  'this is another program, not the zot registry: it reports no version in the form of zot'

const hasLivez = (version: string): boolean =>
  isComparable(version) && compareVersions(version, 'v2.1.6') >= 0

/** How a zot is run. Pushes are waited for before SIGTERM, because SIGTERM interrupts them. */
export function zotEngine(path: string, version: string | undefined, features?: readonly string[]): Engine {
  return {
    id: 'zot',
    command: path,
    args: ['serve'],
    environment: {},
    ...(version === undefined ? {} : { version }),
    ...(features === undefined ? {} : { features }),
    drainsItself: false,
    livenessPath: version !== undefined && hasLivez(version) ? '/livez' : '/v2/',
  }
}

/**
 * Runs `zot verify`, which reaches no issuer and no upstream; never with a program that is not known to be a zot. Fails
 * with config-invalid and its messages when it refuses the file, with engine-unusable when it ended without a verdict.
 */
export async function verifyWithZot(
  zot: ZotProgram,
  configFile: string,
  environment: Record<string, string>,
  { folder = dirname(configFile), run = runProgram }: { folder?: string | undefined; run?: Run } = {},
): Promise<Result<null>> {
  const { path } = zot
  if (!zot.usable) return fail(unusable(path, zot.reason))
  const result = await run(path, ['verify', configFile], {
    environment,
    cwd: folder,
    timeoutMs: verifyTimeoutMs,
  })
  switch (result.kind) {
    case 'too-slow':
      return fail(unusable(path, 'zot verify did not end within 15 s'))
    case 'not-started':
      return fail(unusable(path, `it cannot be started: ${result.reason}`))
    default:
      if (result.code === 0) return ok(null)
      return failureIn(result, path, configFile)
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

function failureIn(
  { output, code, signal }: Extract<ProgramResult, { kind: 'ended' }>,
  path: string,
  configFile: string,
): Result<null> {
  const lines = output.split('\n')
  const logged = loggedErrors(lines)
  if (logged.length > 0) return invalid(configFile, logged)
  const lastWord = lastWordOf(lines)
  if (lastWord?.kind === 'panic')
    return fail(unusable(path, `zot verify broke off while it looked at ${configFile}: ${lastWord.message}`))
  if (signal !== undefined)
    return fail(unusable(path, `zot verify was ended by ${signal} while it looked at ${configFile}`))
  return invalid(configFile, [
    lastWord === undefined ? `zot verify ended with code ${code}` : `zot verify: ${lastWord.message}`,
  ])
}

function invalid(file: string, messages: readonly string[]): Result<null> {
  const faults: ConfigFault[] = messages.map(message => ({ message: maskSecretsIn(message).slice(0, 500) }))
  return fail({ code: 'config-invalid', file, faults })
}

/** Lines that name an error; those without one only where no other says more. */
function loggedErrors(lines: readonly string[]): string[] {
  const entries = lines.flatMap(line => {
    const entry = v.safeParse(logLine, parseJson(line))
    return entry.success && ['error', 'fatal', 'panic'].includes(entry.output.level) ? [entry.output] : []
  })
  const withError = entries.filter(({ error }) => error !== undefined)
  return (withError.length > 0 ? withError : entries).map(
    ({ message, error }) => `zot verify: ${message}${error === undefined ? '' : `: ${textOf(error)}`}`,
  )
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
