import { readFile, realpath, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { asStep, done } from '../gate/step-result.ts'
import { writeAtomic } from '../platform/atomic-file.ts'
import type { StepResult } from '../runbook/step.ts'
import { readEdit } from './config-steps.ts'
import { restoreDatabases } from './databases.ts'
import { type KeyChange, readChanges } from './key-changes.ts'
import type { Context, UpgradeParts } from './parts.ts'

const changesFile = (snapshot: string): string => join(snapshot, 'keys.json')

/**
 * Link, config.json and databases as they were, with nothing running. The databases come back from the snapshot unless
 * a key was revoked meanwhile that only its owner can revoke again: then today's stay, since a revoked key that works
 * again is worse than a database that the failed version has written to.
 */
export async function goBack(
  parts: UpgradeParts,
  { memory }: Context,
  snapshot: string,
): Promise<StepResult> {
  const { library, supervisor } = parts
  const stopped = await supervisor.stop({ withinMs: 5000 })
  if (!stopped.ok) return asStep(stopped)
  const { old, from } = memory
  if (old) await library.turn(old.name)
  parts.use(parts.engine(from.command, from.version))
  await putConfigBack(parts, memory)
  const changes = memory.snapshotAt === undefined ? [] : await parts.keys.since(memory.snapshotAt)
  const told = await writeAtomic(changesFile(snapshot), JSON.stringify(changes)).catch(String)
  // Going back by hand keeps what there is: an old copy would bring revoked keys back.
  const roots = memory.undo ? undefined : await parts.roots()
  const own = await parts.keys.ownUser()
  const foreign = changes.some(({ kind, user }) => kind === 'revoked' && user !== own)
  // Without the copies it may serve all the same: nothing of this keeps it from starting.
  const restored = roots && !foreign ? await restoreDatabases(snapshot, roots).catch(String) : 'kept'
  parts.log('the version before is named again', { databases: restored ?? 'restored', keys: told ?? 'known' })
  return done
}

/** What somebody else wrote meanwhile is theirs and stays. */
async function putConfigBack(parts: UpgradeParts, memory: Context['memory']): Promise<void> {
  const edit = await readEdit(memory).catch(() => undefined)
  if (!edit) return
  const back = await parts.takeBack(edit)
  if (back.ok) return
  parts.log('config.json was not taken back', { ...back.error })
  if (back.error.code === 'config-edited-meanwhile') return
  // A rename needs no space, where the disk is full.
  const real = await realpath(parts.configFile)
  const kept = `${parts.configFile}.before-${memory.to?.version}`
  const text = await readFile(kept, 'utf8').catch(() => undefined)
  if (text === edit.before) await rename(kept, real)
}

/** After the version before serves again: keys revoked meanwhile are revoked again, and the others are named. */
export async function settleKeys(
  parts: UpgradeParts,
  { progress }: Context,
  snapshot: string,
): Promise<void> {
  const changes = readChanges(await readFile(changesFile(snapshot), 'utf8').catch(() => ''))
  if (changes.length === 0) return
  const own = await parts.keys.ownUser()
  const toRevoke: KeyChange[] = []
  let reRevoked = 0
  for (const change of changes) {
    if (change.kind !== 'revoked' || change.uuid === undefined) continue
    const kept = changes.some(each => each.kind === 'revoked' && each.user !== own)
    if (kept || (change.user === own && (await parts.keys.revoke(change.uuid)))) reRevoked += 1
    else toRevoke.push(change)
  }
  const made = changes.filter(({ kind }) => kind === 'made').map(named)
  if (reRevoked > 0) progress({ label: `Keys that were revoked meanwhile are still revoked: ${reRevoked}` })
  for (const name of made)
    progress({ label: `A key was made meanwhile; make it again if it is gone: ${name}` })
  for (const change of toRevoke)
    progress({ label: `Revoke this key again: ${change.uuid} of ${change.user}` })
  parts.tellKeys({ made, toRevoke: toRevoke.map(change => `${change.uuid} of ${change.user}`), reRevoked })
}

const named = ({ user, at }: KeyChange): string => `a key of ${user}, made ${new Date(at).toISOString()}`
