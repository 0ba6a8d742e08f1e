import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { quoted } from '../../contract/messages/undecided-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'
import type { Obtained, ObtainOptions, Release } from '../releases/release.ts'
import { asStep, done, errorOf, failed, type Question, type Step, type StepResult } from '../runbook/step.ts'
import { unreadableFindings } from '../verify/inventory.ts'
import { takeReadBaseline } from '../verify/read-baseline.ts'
import type { Context, UpgradeDeps } from './deps.ts'
import { isFile } from './library.ts'
import type { Baseline, UpgradeMemory } from './memory.ts'
import { databaseBytes } from './snapshot.ts'

type UpgradeStep = Step<UpgradeMemory>

/** Room for what is small, in bytes. */
const marginBytes = 32 * 1024 * 1024

/** Why this version is not to be taken, before a byte of it runs; undefined when it may be. */
export async function refusalFor(
  version: string,
  memory: UpgradeMemory,
  { library }: UpgradeDeps,
): Promise<StepResult | undefined> {
  const running = memory.from.version
  if (memory.undo) return undefined
  const older = running !== undefined && isComparable(running) && isComparable(version)
  if (older && compareVersions(version, running) < 0 && !memory.allowDowngrade)
    return failed(
      'version-older',
      `${version} is older than ${running}, which runs. ${
        memory.source?.startsWith('/')
          ? `To take it all the same: zotbar upgrade --from ${quoted(memory.source)} --allow-downgrade`
          : 'Go back with zotbar upgrade --undo, or agree with --allow-downgrade.'
      }`,
    )
  const bad = (await library.bad())[version]
  if (bad && !memory.named)
    return failed(
      'version-bad',
      `${version} failed here before: ${bad.reason} To try it again, name it: zotbar upgrade --to ${version}`,
    )
  return undefined
}

export function preflightStep(deps: UpgradeDeps): UpgradeStep {
  return {
    id: 'preflight',
    title: 'Check before starting',
    why: 'What would fail later is found while nothing has been touched.',
    cancellable: true,
    check: async ({ memory }) => memory.needless,
    async apply(context) {
      const { memory, progress, signal } = context
      if (memory.version !== undefined) {
        const refused = await refusalFor(memory.version, memory, deps)
        if (refused) return refused
      }
      const inspected = await deps.inspect()
      if (!inspected.ok) return asStep(inspected)
      const writable = await checkLibrary(deps)
      if (!writable.ok) return writable
      const room = await checkSpace(memory, deps)
      if (!room.ok) return room
      for (const { id, advice } of await deps.advisories(memory.from.version))
        progress({ label: `${id}: ${advice}` })
      for (const { advice } of await unreadableFindings(deps)) progress({ label: advice })
      const pushes = await deps.pushes()
      if (pushes.length > 0) progress({ label: `Pushes under way, to be waited for: ${pushes.length}` })
      memory.baseline = await takeBaseline(deps, context)
      return signal.aborted ? failed('cancelled', 'It was cancelled.') : done
    },
  }
}

/** Whether the folder of programs can be written. */
async function checkLibrary({ library }: UpgradeDeps): Promise<StepResult> {
  try {
    const probe = join(library.folder, `.probe-${process.pid}`)
    await mkdir(library.folder, { recursive: true, mode: 0o700 })
    // With `recursive` a read-only volume would be reported as a folder that is not there.
    await rm(probe, { recursive: true, force: true })
    await mkdir(probe)
    await rm(probe, { recursive: true })
    return done
  } catch (error) {
    return asStep(fail({ code: 'file-unusable', path: library.folder, reason: reasonOf(error) }))
  }
}

/** Whether there is space for what is to come. Changes nothing: a dry run looks too. */
export async function checkSpace(memory: UpgradeMemory, deps: UpgradeDeps): Promise<StepResult> {
  const { home, freeSpace } = deps
  if (memory.needless) return done
  const running = await stat(memory.from.command).then(
    ({ size }) => size,
    () => 0,
  )
  const databases = await databaseBytes((await deps.roots()) ?? [])
  const file = memory.source?.startsWith('/') ? await stat(memory.source).catch(() => undefined) : undefined
  // The download becomes the installed program; the one that runs may have to be copied.
  const needed = (memory.undo ? 0 : (file?.size ?? running) + running) + databases + marginBytes
  const space = await freeSpace(home)
  if (space === undefined || space.freeBytes >= needed) return done
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`
  return failed(
    'no-space',
    `There is too little space: ${megabytes(needed)} are needed, and ${megabytes(space.freeBytes)} are free.`,
    `On the volume of ${home}.`,
  )
}

/** What fails before the upgrade cannot fail its verification. */
async function takeBaseline(deps: UpgradeDeps, { progress, signal }: Context): Promise<Baseline> {
  const publicUrl = await deps.askPublicUrl()
  if (publicUrl?.reason !== undefined)
    progress({ label: `The public address does not work now: ${publicUrl.reason}` })
  const checks: Record<string, boolean> = {}
  for (const line of deps.checks()) {
    const reason = await deps.runCheck(line, signal)
    checks[line] = reason === undefined
    if (reason !== undefined) progress({ label: `A check of yours does not pass now: ${line} (${reason})` })
  }
  return { ...(publicUrl ? { publicUrl } : {}), checks, reads: await takeReadBaseline(deps, signal) }
}

/** The folder of a run that is over. */
export const removeWork = ({ work }: UpgradeMemory): Promise<void> =>
  rm(work, { recursive: true, force: true })

/** What comes from a release lies in a folder named for its version, so that a download that broke off goes on. */
const downloadFolder = ({ source, version, work }: UpgradeMemory, home: string): string =>
  source === undefined && version !== undefined ? join(home, 'upgrades', version) : join(work, 'download')

export function downloadStep(deps: UpgradeDeps): UpgradeStep {
  const { releases, home } = deps
  return {
    id: 'download',
    title: 'Download',
    why: 'It is fetched into a folder of its own, and nothing of it runs.',
    cancellable: true,
    check: async ({ memory }) =>
      memory.needless || memory.undo || (memory.got !== undefined && (await isFile(memory.got.file))),
    async apply(context) {
      const { memory, progress, signal } = context
      if (memory.note !== undefined) progress({ label: memory.note })
      await mkdir(memory.work, { recursive: true, mode: 0o700 })
      const request = {
        to: downloadFolder(memory, home),
        signal,
        progress: (count: number, total?: number) =>
          progress({
            label: 'Downloaded',
            done: count,
            unit: 'bytes',
            ...(total === undefined ? {} : { total }),
          }),
      }
      const { source, version } = memory
      let got: Result<Obtained>
      if (source === 'source') {
        const onOutput = (lines: string[]): void => {
          for (const label of lines) progress({ label })
        }
        got = await deps.build(version, { ...request, onOutput })
      } else if (source?.startsWith('/')) got = await releases.fromFile(source, request)
      else if (source !== undefined) got = await releases.download(source, request)
      else {
        const release = await releaseOf(memory, deps, signal)
        got = release.ok
          ? ((await copyInstalled(release.value, deps, request)) ??
            (await releases.download(release.value, request)))
          : release
      }
      if (!got.ok) return asStep(got)
      const { origin, file, bytes, sha256, from, version: of } = got.value
      memory.got = { origin, file, bytes, sha256, from, ...(of === undefined ? {} : { version: of }) }
      return { ...done, words: `${got.value.from}, ${got.value.bytes} bytes` }
    },
    async undo({ memory }) {
      await removeWork(memory)
      return done
    },
  }
}

/** The program that is installed here with the digest of the list; it is verified as if it had been downloaded. */
async function copyInstalled(
  { asset, version }: Release,
  { library, releases }: UpgradeDeps,
  request: ObtainOptions,
): Promise<Result<Obtained> | undefined> {
  const installed = (await library.list()).find(({ sha256 }) => `sha256:${sha256}` === asset?.digest)
  if (installed === undefined) return undefined
  const copied = await releases.fromFile(installed.path, request)
  // One that was changed since, or cannot be read, is downloaded anew.
  if (!copied.ok || copied.value.sha256 !== installed.sha256) return undefined
  return ok({ ...copied.value, origin: 'release', version })
}

function releaseOf(
  { version }: UpgradeMemory,
  { releases }: UpgradeDeps,
  signal: AbortSignal,
): Promise<Result<Release>> {
  if (version === undefined)
    return Promise.resolve(fail({ code: 'unexpected', where: 'an upgrade without a version' }))
  return releases.find(version, { signal })
}

export function verifyStep(deps: UpgradeDeps): UpgradeStep {
  return {
    id: 'verify',
    title: 'Verify',
    why: 'Size, digests, file type and architecture are known before a byte of it runs.',
    cancellable: true,
    check: async ({ memory }) => memory.needless || memory.undo,
    async apply({ memory, progress, signal, ask }) {
      const { got } = memory
      if (!got) return failed('unexpected', 'Nothing was fetched.')
      const release =
        memory.source === undefined
          ? await releaseOf(memory, deps, signal)
          : { ok: true as const, value: undefined }
      if (!release.ok) return asStep(release)
      const trust = await deps.releases.verify(got, release.value, {
        signal,
        allowDowngrade: memory.allowDowngrade,
        onPart: part => progress({ label: part.title, part }),
      })
      if (!trust.ok) return asStep(trust)
      const { sha256, origin } = trust.value
      // Its version is asked for next: nothing of it runs before somebody stands for it.
      const vouched = origin !== 'unproven' || memory.yes || (await ask(vouchQuestion(got, sha256)))
      if (!vouched) return failed('declined', 'Nobody vouches for it; nothing of it was run.')
      memory.trust = { sha256, origin }
      return { ...done, words: `SHA-256 ${sha256}` }
    },
  }
}

const vouchQuestion = ({ from }: Pick<Obtained, 'from'>, sha256: string): Question => ({
  id: 'vouch',
  title: 'Do you vouch for this program?',
  body: [
    'Nobody published a digest of it: only your word stands for where it comes from.',
    `SHA-256 ${sha256}, from ${from}`,
    'Size, file type and architecture are right. Next it is run for its version, beside the one that serves.',
  ].join('\n'),
  confirm: 'Run it',
})

/** Looks whether it may run, runs `--version`, and says which version it is. */
export async function verifyStagedProgram(
  file: string,
  { sha256, from }: { sha256: string; from: string },
  deps: UpgradeDeps,
  { memory, progress, signal }: Context,
): Promise<{ ok: true; version: string } | { ok: false; error: ReturnType<typeof errorOf> }> {
  const wanted = memory.source === undefined ? memory.version : undefined
  const verified = await deps.releases.verifyStaged(file, sha256, wanted, {
    from,
    signal,
    onPart: part => progress({ label: part.title, part }),
  })
  if (!verified.ok) return { ok: false, error: errorOf(verified.error) }
  return { ok: true, version: verified.value.version }
}
