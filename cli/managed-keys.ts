import type { ManagedKey } from '../contract/key.ts'
import { isoMinute } from '../contract/messages/format.ts'
import { endDate, remainingTime } from '../contract/messages/remaining-time.ts'
import { partStateText } from '../contract/messages/runbook-message.ts'
import type { RunbookPart } from '../contract/runbook.ts'
import { reportRun } from './follow-run.ts'
import { printWarnings } from './key-warnings.ts'
import { exitCode } from './output.ts'
import { hasTerminal, readHidden, readPiped } from './secret-input.ts'
import type { Verb, VerbContext } from './verb.ts'

export interface ManageOptions {
  user: string
  keyStdin: boolean
  sinks: string[]
  proveRepository: string | undefined
}

/** "9 days left, until Saturday 21 March 2026". */
const endOf = ({ expirationDate }: ManagedKey, now: number): string =>
  [remainingTime(expirationDate, now), endDate(expirationDate, now)].filter(text => text !== '').join(', ')

/** Manages a key. Without one on stdin it is asked for on a terminal; an empty answer has one created. */
export const manage: Verb<ManageOptions> = async (context, options) => {
  const { out, client, now } = context
  const { user, keyStdin, sinks, proveRepository } = options
  const key = await keyFor(context, user, keyStdin)
  if (key === 'too-long') return out.failure({ code: 'key-malformed', reason: 'It is far too long' })
  if (key === 'broken-off') return out.failure({ code: 'cancelled' })
  const managed = await client.zotbar.keys.manage({
    user,
    ...(key === undefined ? {} : { key }),
    ...(sinks.length === 0 ? {} : { sinks }),
    ...(proveRepository === undefined ? {} : { proveRepository }),
  })
  if (!managed.ok) return out.failure(managed.error)
  out.object(managed.value)
  out.line(`The key ${managed.value.uuid} of ${user} is managed: ${endOf(managed.value, now())}.`)
  printKey(managed.value, out.line)
  printChecks(managed.value.checks, out.line)
  printWarnings(out, managed.value.warnings)
  return exitCode.done
}

async function keyFor(
  { out, client }: VerbContext,
  user: string,
  keyStdin: boolean,
): Promise<string | undefined | 'too-long' | 'broken-off'> {
  if (keyStdin) return (await readPiped()) ?? 'too-long'
  if (out.json || !hasTerminal()) return undefined
  const known = await client.zotbar.keys.managed({})
  if (known.ok && known.value.keys.some(managedKey => managedKey.user === user)) return undefined
  const typed = await readHidden(`The key of ${user} (it is not shown; empty has one created): `)
  if (typed === undefined) return 'broken-off'
  return typed.trim() === '' ? undefined : typed
}

function printKey({ sinks, retiring, drift }: ManagedKey, line: (text: string) => void): void {
  for (const { spec, state, words } of sinks)
    line(`  ${spec}: ${sinkText[state]}${words ? ` (${words})` : ''}`)
  if (retiring)
    line(
      `  The old key ${retiring.uuid} is revoked ${isoMinute(Date.parse(retiring.retireAt))}${retiring.words ? `: ${retiring.words}` : ''}`,
    )
  for (const { words, repair } of drift) line(`  ! ${words} ${repair}`)
}

const sinkText = {
  proven: 'holds this key',
  accepted: 'took it, and cannot show what it holds',
  stale: 'holds another key',
  unknown: 'not known',
  failed: 'did not take it',
}

function printChecks(checks: readonly RunbookPart[], line: (text: string) => void): void {
  for (const { title, state, words } of checks)
    line(`  ${partStateText[state].padEnd(10)}  ${title}${words ? `: ${words}` : ''}`)
}

/** The managed keys, and what is not as it should be. */
export const managed: Verb<object> = async ({ out, client, now }) => {
  const reply = await client.zotbar.keys.managed({})
  if (!reply.ok) return out.failure(reply.error)
  const { keys, store } = reply.value
  out.object(reply.value)
  if (keys.length === 0) out.line('No key is managed yet: zotbar keys manage USER --key-stdin')
  for (const key of keys) {
    out.line(`${key.user} at ${key.registry}: ${key.label || key.uuid}; ${endOf(key, now())}.`)
    printKey(key, out.line)
  }
  if (keys.length > 0) out.note(`Secrets are in ${store}.`)
  return exitCode.done
}

/** Stops managing a key; it goes on working. */
export const unmanage: Verb<{ user: string }> = async ({ out, client }, { user }) => {
  const unmanaged = await client.zotbar.keys.unmanage({ user })
  if (!unmanaged.ok) return out.failure(unmanaged.error)
  out.object(unmanaged.value)
  out.line(
    `The key of ${user} is no longer managed. It still works: zotbar keys revoke ${unmanaged.value.uuid} revokes it.`,
  )
  return exitCode.done
}

export interface RotateOptions {
  user: string
  overlap: string | undefined
  leaked: boolean
  yes: boolean
  dryRun: boolean
}

export const rotate: Verb<RotateOptions> = async (context, { overlap, ...request }) =>
  reportRun(
    context,
    'rotate',
    await context.client.zotbar.keys.rotate({ ...request, ...(overlap === undefined ? {} : { overlap }) }),
    request,
  )

/** Ends the overlap now. */
export const retire: Verb<{ user: string }> = async (context, { user }) =>
  reportRun(context, 'retire', await context.client.zotbar.keys.endOverlap({ user }))

/** Tries the key in use and checks its sinks; exits 1 when something does not work. */
export const prove: Verb<{ user: string }> = async ({ out, client }, { user }) => {
  const proof = await client.zotbar.keys.prove({ user })
  if (!proof.ok) return out.failure(proof.error)
  const { works, checks } = proof.value
  out.object(proof.value)
  printChecks(checks, out.line)
  out.line(works ? `The key of ${user} works.` : `Something about the key of ${user} does not work.`)
  return works ? exitCode.done : exitCode.failed
}

/** Prints the secret of a managed key, and nothing else on stdout. */
export const show: Verb<{ user: string }> = async ({ out, client }, { user }) => {
  const shown = await client.zotbar.keys.showSecret({ user })
  if (!shown.ok) return out.failure(shown.error)
  out.object(shown.value)
  out.note(`The key of ${user}, as it is in use now:`)
  out.line(shown.value.apiKey)
  return exitCode.done
}

/** Stores the access token of Forgejo, from stdin or a terminal. */
export const forgejoToken: Verb<object> = async ({ out, client }) => {
  const token = hasTerminal() ? await readHidden('The access token (it is not shown): ') : await readPiped()
  if (token === undefined) return out.failure({ code: 'cancelled' })
  const stored = await client.zotbar.keys.forgejoToken({ token })
  if (!stored.ok) return out.failure(stored.error)
  out.object({ kept: true })
  out.line('The token is stored.')
  return exitCode.done
}

/** Gives the passphrase of the encrypted file, from stdin or a terminal. */
export const unlock: Verb<object> = async ({ out, client }) => {
  const typed = hasTerminal() ? await readHidden('The passphrase (it is not shown): ') : await readPiped()
  if (typed === undefined) return out.failure({ code: 'cancelled' })
  const open = await client.zotbar.keys.unlock({ passphrase: typed.replace(/\r?\n$/, '') })
  if (!open.ok) return out.failure(open.error)
  out.object({ unlocked: true })
  out.line('The keys can be used until Zotbar quits.')
  return exitCode.done
}

/** Holds back the notices about the ends of a user's keys. */
export const snooze: Verb<{ user: string; for: string }> = async ({ out, client }, options) => {
  const snoozed = await client.zotbar.keys.snooze(options)
  if (!snoozed.ok) return out.failure(snoozed.error)
  out.object(snoozed.value)
  out.line(
    `No notice is given about the keys of ${snoozed.value.user} until ${isoMinute(Date.parse(snoozed.value.until))}.`,
  )
  return exitCode.done
}
