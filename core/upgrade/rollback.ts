import { mkdir, readFile, realpath, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { asStep, done, type StepResult } from '../runbook/step.ts'
import { readEdit } from './config-steps.ts'
import type { Context, UpgradeDeps } from './deps.ts'
import { type KeyChange, parseChanges } from './key-changes.ts'
import { type RestoreResult, restoreDatabases } from './snapshot.ts'

const changesFile = (snapshot: string): string => join(snapshot, 'keys.json')

/**
 * Link, config.json and databases as they were, with nothing running. What cannot be put back stays, and is reported: the
 * version before serves all the same.
 */
export async function rollBack(
  deps: UpgradeDeps,
  { memory, progress }: Context,
  snapshot: string,
): Promise<StepResult> {
  const { library, supervisor } = deps
  const stopped = await supervisor.stop({ withinMs: 5000 })
  if (!stopped.ok) return asStep(stopped)
  const { old, from } = memory
  if (old) await library.activate(old.name)
  deps.use(deps.engine(await programBefore(memory), from.version))
  const config = await revertConfig(deps, memory)
  const changes = memory.snapshotAt === undefined ? [] : await deps.keys.since(memory.snapshotAt)
  const databases = await restoreSnapshot(deps, memory, snapshot, changes)
  // Databases that stay know of every key.
  const lost = databases.kind === 'restored' || databases.kind === 'keys-first' ? changes : []
  await mkdir(snapshot, { recursive: true, mode: 0o700 }).catch(() => {})
  const noted = await writeAtomic(changesFile(snapshot), JSON.stringify(lost)).catch(String)
  deps.log('the version before is named again', { databases, keys: noted ?? 'known' })
  if (databases.kind === 'refused') deps.reportDatabases({ why: databases.why, snapshot })
  const retained = [
    ...(config === undefined ? [] : [`config.json stays as it is: ${config}`]),
    ...(databases.kind === 'refused'
      ? [`The databases stay as they are. ${databases.why} The copies are in ${snapshot}.`]
      : []),
  ]
  for (const label of retained) progress({ label })
  return retained.length === 0 ? done : { ok: true, words: retained.join(' ') }
}

/** The program that ran before; its copy, where it is gone or was exchanged meanwhile. */
export async function programBefore({ from, old }: Context['memory']): Promise<string> {
  if (old === undefined) return from.command
  return (await sha256Of(from.command).catch(() => undefined)) === old.sha256 ? from.command : old.path
}

/**
 * From the snapshot, unless a key was revoked meanwhile that only its owner can revoke again: then today's stay, since
 * a revoked key that works again is worse than a database that the failed version has written to.
 */
async function restoreSnapshot(
  deps: UpgradeDeps,
  { undo }: Context['memory'],
  snapshot: string,
  changes: readonly KeyChange[],
): Promise<RestoreResult | { kind: 'by-hand' | 'keys-first' }> {
  // Going back by hand keeps what there is: an old copy would bring revoked keys back.
  if (undo) return { kind: 'by-hand' }
  const ownUser = await deps.keys.ownUser()
  if (changes.some(({ kind, user }) => kind === 'revoked' && user !== ownUser)) return { kind: 'keys-first' }
  const roots = await deps.roots()
  if (roots === undefined)
    return { kind: 'refused', why: 'config.json cannot be read, so nobody knows where they belong.' }
  return restoreDatabases(snapshot, roots).catch(
    (error: unknown): RestoreResult => ({
      kind: 'refused',
      why: `Putting them back failed: ${String(error)}.`,
    }),
  )
}

/** What somebody else wrote meanwhile is theirs and stays. Answers why it was not taken back, half a sentence. */
async function revertConfig(deps: UpgradeDeps, memory: Context['memory']): Promise<string | undefined> {
  const edit = await readEdit(memory).catch((error: unknown) => new Error(String(error)))
  if (edit === undefined) return undefined
  if (edit instanceof Error) return `what was changed in it is not known any more (${edit.message}).`
  const back = await deps.revertEdit(edit)
  if (back.ok) return undefined
  deps.log('config.json was not taken back', { ...back.error })
  if (back.error.code === 'config-edited-meanwhile') return 'somebody else changed it meanwhile.'
  // Where the disk is too full for a write, the copy beside takes its place: a rename needs no space.
  const resolved = await realpath(deps.configFile)
  const preserved = `${deps.configFile}.before-${memory.to?.version}`
  const text = await readFile(preserved, 'utf8').catch(() => undefined)
  if (text !== edit.before) return `it cannot be changed; ${preserved} is not what it was before.`
  await rename(preserved, resolved)
  return undefined
}

/**
 * After the version before serves again: keys revoked meanwhile are revoked again, and the others are named. Answers what
 * is left to people, a sentence each.
 */
export async function revokeKeysAgain(
  deps: UpgradeDeps,
  { progress }: Context,
  snapshot: string,
): Promise<string[]> {
  const changes = parseChanges(await readFile(changesFile(snapshot), 'utf8').catch(() => ''))
  if (changes.length === 0) return []
  const ownUser = await deps.keys.ownUser()
  // Where today's databases stayed, no key is gone and none works again.
  const keepsDatabases = changes.some(change => change.kind === 'revoked' && change.user !== ownUser)
  const toRevoke: KeyChange[] = []
  let reRevoked = 0
  for (const change of changes) {
    if (change.kind !== 'revoked' || change.uuid === undefined) continue
    if (keepsDatabases || (change.user === ownUser && (await deps.keys.revoke(change.uuid)))) reRevoked += 1
    else toRevoke.push(change)
  }
  const made = keepsDatabases ? [] : changes.filter(({ kind }) => kind === 'made').map(keyName)
  if (reRevoked > 0) progress({ label: `Keys that were revoked meanwhile are still revoked: ${reRevoked}` })
  const left = [
    ...made.map(name => `A key was made meanwhile and is gone; make it again: ${name}.`),
    ...toRevoke.map(change => `Revoke this key again: ${change.uuid} of ${change.user}.`),
  ]
  for (const label of left) progress({ label })
  deps.reportKeys({ made, toRevoke: toRevoke.map(change => `${change.uuid} of ${change.user}`), reRevoked })
  return left
}

const keyName = ({ user, at }: KeyChange): string => `a key of ${user}, made ${new Date(at).toISOString()}`
