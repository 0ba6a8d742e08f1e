import { constants } from 'node:fs'
import { access, readdir, rm, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import type { Engine } from '../platform/engine.ts'
import { type FreeSpace, freeSpace } from '../platform/volume.ts'
import {
  closeEngineFiles,
  type EngineCopy,
  type EngineFiles,
  engineCopy,
  lastUsed,
  manifestOf,
  type OpenEngineFiles,
  openEngineFiles,
  stagedPrefix,
} from './engine-copy.ts'
import { runProgram } from './run-program.ts'
import { zotbarRegistry } from './zotbar-registry.ts'

/** What became of the copy: `no-room` and `failed` leave the engine in the package. */
type Settled =
  | { kind: 'there' }
  | { kind: 'no-room'; neededBytes: number; freeBytes: number }
  | { kind: 'failed'; reason: string }

/**
 * The embedded engine. It is started from a copy in ZOTBAR_HOME/engines/own, one for each build, so that the package may
 * be replaced or deleted under a registry that runs: a new process can still be started.
 */
export interface OwnEngine {
  /**
   * The engine as it would be started now: from its copy, verified; from the package until there is one. Errors:
   * engine-missing; engine-unusable where the copy is damaged and the package is gone.
   */
  locate(): Promise<Result<Engine>>
  /**
   * Makes the copy where there is none, and removes those of other builds, but for the one that runs and the one before.
   * To be called when a registry serves: copying takes 0.1 s or more, which no start is to wait for. Never rejects.
   * @param running the program of the registry that serves
   */
  settle(running: string | undefined): Promise<Settled>
  /** Ends what is being copied. */
  close(): Promise<void>
}

export interface OwnEngineOptions {
  home: string
  version: string
  /** Files of the package, as they were when the core started. */
  packaged: EngineFiles
  /** The build that runs; undefined where its engine is not to be copied. */
  build?: { name: string; bundleSha256: string } | undefined
  log(message: string, data?: Record<string, unknown>): void
  findFreeSpace?: (path: string) => Promise<FreeSpace | undefined>
}

/** A copy leaves at least this much free. */
const reserveBytes = 256 * 1024 * 1024
const trialMs = 5000

/** Packages that were open and not copied when their core left: it may take its home again in this process. */
const left = new Map<string, OpenEngineFiles>()

export function createOwnEngine(options: OwnEngineOptions): OwnEngine {
  const { home, version, packaged, build, log, findFreeSpace = freeSpace } = options
  const parent = join(home, 'engines', 'own')
  const copy = build && engineCopy({ parent, name: build.name, bundleSha256: build.bundleSha256 })
  const engineOf = (files: EngineFiles): Engine => zotbarRegistry({ home, version, ...files })
  const closing = new AbortController()
  let source: OpenEngineFiles | undefined
  let making: Promise<Settled> | undefined

  /** Opens the package while it is there. */
  function hold(): OpenEngineFiles | undefined {
    source ??= left.get(packaged.bundle)
    left.delete(packaged.bundle)
    try {
      source ??= openEngineFiles(packaged)
    } catch {
      // What lacks it says so.
    }
    return source
  }

  function letGo(): void {
    if (source !== undefined) closeEngineFiles(source)
    source = undefined
  }

  async function makeNow(to: EngineCopy, from: OpenEngineFiles): Promise<Settled> {
    try {
      const free = await findFreeSpace(home)
      const neededBytes = from.bytes + reserveBytes
      if (free !== undefined && free.freeBytes < neededBytes)
        return { kind: 'no-room', neededBytes, freeBytes: free.freeBytes }
      await to.make(from, closing.signal)
      const trial = await runProgram(to.files.node, [to.files.bundle, '--version'], {
        environment: {},
        timeoutMs: trialMs,
      })
      if (trial.kind === 'not-started' || (trial.kind === 'ended' && trial.code !== 0)) {
        await to.remove()
        // A Node that finds its libraries relative to itself, as one of a package manager may.
        return { kind: 'failed', reason: `${packaged.node} does not run elsewhere` }
      }
      letGo()
      return { kind: 'there' }
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error) }
    }
  }

  function make(to: EngineCopy): Promise<Settled> {
    making ??= (async (): Promise<Settled> => {
      if ((await to.check()) === 'whole') return { kind: 'there' }
      const from = hold()
      if (from === undefined) return { kind: 'failed', reason: 'the package is gone' }
      await to.remove()
      return await makeNow(to, from)
    })().finally(() => {
      making = undefined
    })
    return making
  }

  return {
    async locate() {
      const missing = fail({ code: 'engine-missing', path: packaged.bundle })
      if (copy === undefined) return (await isThere(packaged)) ? ok(engineOf(packaged)) : missing
      const state = await copy.check()
      if (state === 'whole') return ok(engineOf(copy.files))
      if (state === 'damaged') log('the copy of the engine is damaged', { bundle: copy.files.bundle })
      const held = hold()
      if (await isUnchanged(packaged, build?.bundleSha256)) return ok(engineOf(packaged))
      const made: Settled = held ? await make(copy) : { kind: 'failed', reason: 'the package is gone' }
      if (made.kind === 'there') return ok(engineOf(copy.files))
      if (state === 'missing') return missing
      const reason =
        'it is not as it was made, and the package of which it was made is gone. Install Zotbar again, and start it again'
      return fail({ code: 'engine-unusable', engine: 'zotbar-registry', path: copy.files.bundle, reason })
    },
    async settle(running) {
      if (copy === undefined || build === undefined) return { kind: 'there' }
      const settled = await make(copy)
      if (settled.kind === 'there') await removeOthers(parent, build.name, running).catch(() => {})
      else log('the engine runs from its package', settled)
      return settled
    },
    async close() {
      closing.abort()
      await making
      if (source !== undefined) left.set(packaged.bundle, source)
      source = undefined
    },
  }
}

const isThere = ({ node, bundle }: EngineFiles): Promise<boolean> =>
  Promise.all([access(node, constants.X_OK), access(bundle, constants.R_OK)]).then(
    () => true,
    () => false,
  )

/** Whether a package has what the running core was built with. */
const isUnchanged = async (files: EngineFiles, bundleSha256: string | undefined): Promise<boolean> =>
  (await isThere(files)) && (await sha256Of(files.bundle).catch(() => undefined)) === bundleSha256

/** Leaves the copies of the build that runs, of the registry that runs and of the one that ran before. */
async function removeOthers(parent: string, current: string, running: string | undefined): Promise<void> {
  const names = await readdir(parent)
  const isRunning = (name: string): boolean =>
    running !== undefined && dirname(running) === join(parent, name)
  const used = names.find(isRunning)
  const now = new Date()
  if (used !== undefined) await utimes(manifestOf(join(parent, used)), now, now).catch(() => {})
  const others = names.filter(name => name !== current && name !== used)
  const ages = new Map<string, number>()
  for (const name of others) ages.set(name, (await lastUsed(join(parent, name))) ?? 0)
  const before = others
    .filter(name => !name.startsWith(stagedPrefix))
    .sort((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0))[0]
  for (const name of others)
    if (name !== before) await rm(join(parent, name), { recursive: true, force: true })
}
