import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { done, failed, type Step } from '../runbook/step.ts'
import { type Check, type CheckResult, runChecks, storeChecks } from '../verify/checks.ts'
import { readInventory } from '../verify/inventory-file.ts'
import { textHash } from '../verify/read-baseline.ts'
import { readChecks } from '../verify/read-checks.ts'
import { serveWithin, staysUp } from '../verify/registry-process.ts'
import { markBadVersion, readyTimeoutOf } from './change-steps.ts'
import { readEdit } from './config-steps.ts'
import type { Context, UpgradeDeps } from './deps.ts'
import type { UpgradeMemory } from './memory.ts'
import { removeWork } from './obtain-steps.ts'
import { pruneSnapshots } from './snapshot.ts'

export function verificationStep(deps: UpgradeDeps): Step<UpgradeMemory> {
  return {
    id: 'gate',
    title: 'Prove that it works',
    why: 'A version that answers may still have lost a tag.',
    cancellable: true,
    check: async ({ memory }) => memory.needless,
    async apply(context) {
      const result = await runChecks(await checksOf(deps, context), context)
      if (!result.ok && !context.signal.aborted) await markBadVersion(deps, context.memory, result)
      return result
    },
  }
}

const failedCheck = (missing: string): CheckResult => failed('gate-failed', `The check failed: ${missing}.`)

async function checksOf(deps: UpgradeDeps, context: Context): Promise<Check[]> {
  const { memory, progress, signal } = context
  const { seconds, ready } = {
    seconds: deps.verification().stableSeconds,
    ready: readyTimeoutOf(memory, deps),
  }
  const [inventory, roots] = [await readInventory(memory.censusFile), await deps.roots()]
  const layout = await deps.layout()
  const { ask, tail, known } = deps
  const edit = await readEdit(memory)
  return [
    { id: 'ready', title: 'It is ready', run: () => serveWithin(deps, ready) },
    ...readChecks({
      ...deps,
      baseline: memory.baseline?.reads,
      editedConfig: edit && textHash(edit.after),
      mayLoseMetrics: async () => edit === undefined && (await mayLoseMetrics(deps, memory)),
    }),
    ...storeChecks({ inventory, roots, ask, tail, layout, known, progress, signal }),
    {
      id: 'public-url',
      title: 'The public address answers and lists',
      run: () => checkPublicUrl(deps, memory),
    },
    ...deps.checks().map((line, at) => ({
      id: `check-${at + 1}`,
      title: line,
      run: () => runUserCheck(line, deps, context),
    })),
    {
      id: 'stable',
      title: `It runs for ${seconds} s without a restart`,
      run: () => staysUp(deps, { seconds, progress, signal }),
    },
  ]
}

/** Where config.json cannot be edited with it, the findings say that anonymous metrics end, and somebody agreed to it. */
async function mayLoseMetrics(deps: UpgradeDeps, { from, to }: UpgradeMemory): Promise<boolean> {
  const { findings } = to ? await deps.advise(from.version, to.version) : { findings: [] }
  return findings.some(({ id }) => id.includes('metrics'))
}

const maxTries = 10

/** What stands before the registry may need a moment to see that it is back. */
async function checkPublicUrl(deps: UpgradeDeps, { baseline }: UpgradeMemory): Promise<CheckResult> {
  const before = baseline?.publicUrl
  if (before === undefined) return { ok: true, state: 'skipped', words: 'config.json names none' }
  if (!before.answers) return failedBefore(before.reason)
  for (let attempt = 1; ; attempt += 1) {
    const now = await deps.askPublicUrl()
    const lists = now?.lists === before.lists || before.lists === 'no'
    if (now?.answers && lists) {
      if (now.lists === 'hidden')
        return { ok: true, state: 'unproven', words: 'It answers; it lists only to those who sign in' }
      return before.lists === 'no' ? failedBefore(before.reason) : { ok: true }
    }
    const reason = now?.reason ?? 'it lists no more to who could see the list before'
    if (attempt === maxTries) return failedCheck(`the public address does not work any more: ${reason}`)
    await new Promise<void>(resolve => deps.clock.setTimer(deps.clock.now() + 500, resolve))
  }
}

const failedBefore = (reason = 'it did not work'): CheckResult => ({
  ok: true,
  state: 'unproven',
  words: `It failed before the upgrade too: ${reason}`,
})

async function runUserCheck(
  line: string,
  deps: UpgradeDeps,
  { memory, signal }: Context,
): Promise<CheckResult> {
  const reason = await deps.runCheck(line, signal)
  if (reason === undefined) return { ok: true }
  // A check that was added meanwhile has no earlier result.
  if (memory.baseline?.checks[line] !== true) return failedBefore(reason)
  return failedCheck(`${line}: ${reason}`)
}

/** From here on nothing goes back by itself; `zotbar upgrade --undo` goes back by hand. */
export function commitStep(deps: UpgradeDeps): Step<UpgradeMemory> {
  const { library, home } = deps
  return {
    id: 'commit',
    title: 'Keep it',
    why: 'It has proved itself; from here on nothing goes back by itself.',
    pointOfNoReturn: true,
    check: async ({ memory }) => memory.needless,
    async apply({ memory, progress }) {
      const { to, old, undo, version, source } = memory
      // What makes room goes first: on a full disk the result could not be recorded.
      await rm(memory.censusFile, { force: true })
      deps.known.clear()
      await removeWork(memory)
      if (source === undefined && version !== undefined)
        await rm(join(home, 'upgrades', version), { recursive: true, force: true })
      await pruneSnapshots(join(home, 'snapshots'), memory.id)
      try {
        const past = (await library.previous()).filter(name => name !== to?.name && name !== old?.name)
        if (to && old) await library.setPrevious(undo ? past : [...past, old.name])
        if (to) await library.clearBad(to.version)
      } catch (error) {
        // It serves and has proved itself: that is not undone for a note.
        deps.log('what was replaced cannot be written down', { error: String(error) })
        progress({
          label: `It could not be written down that ${old?.version} was replaced: --undo will not know it`,
        })
      }
      return done
    },
  }
}
