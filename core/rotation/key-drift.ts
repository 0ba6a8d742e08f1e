import type { KeyDrift } from '../../contract/key.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { remainingTime } from '../../contract/messages/remaining-time.ts'
import type { Result } from '../../contract/result.ts'
import type { ListedKey } from './key-client.ts'
import type { KeyRecord } from './key-record.ts'

/** What the registry says of the keys of a user. */
export type RegistryAnswer =
  | { kind: 'elsewhere'; registry: string }
  | { kind: 'not-served' }
  /** Without `keys` it accepts no key that we have. */
  | { kind: 'asked'; keys: Result<ListedKey[]> | undefined }

interface Observed {
  /** The secret in the store; absent where the store was not opened. */
  stored: Result<string | undefined> | undefined
  answer: RegistryAnswer
  /** How the labels of keys that Zotbar creates for this user begin; '' where that is not fixed. */
  labelPrefix: string
  now: number
}

type Finding = KeyDrift & {
  /** In the words of the summary. */
  trouble?: string
}

/** Each difference between a record and what was observed, with its repair; `trouble` is the first that breaks the key. */
export function driftOf(record: KeyRecord, observed: Observed): { drift: KeyDrift[]; trouble?: string } {
  const findings = [
    ...storeFindings(record, observed),
    ...registryFindings(record, observed),
    ...unknownKeys(record, observed),
    ...staleSinks(record),
  ]
  const trouble = findings.find(finding => finding.trouble !== undefined)?.trouble
  return {
    drift: findings.map(({ id, words, repair }) => ({ id, words, repair })),
    ...(trouble === undefined ? {} : { trouble }),
  }
}

function storeFindings({ user }: KeyRecord, { stored }: Observed): Finding[] {
  if (stored === undefined) return []
  if (!stored.ok) {
    const { title, steps } = failureMessage(stored.error)
    return [{ id: 'unseen', words: `${title}.`, repair: steps.join(' ') }]
  }
  if (stored.value !== undefined) return []
  return [
    {
      id: 'secret-gone',
      words: 'Its secret is no longer in the store.',
      repair: `Give it again: zotbar keys manage ${user} --key-stdin, or rotate it: zotbar keys rotate ${user}`,
      trouble: 'its secret is gone',
    },
  ]
}

function registryFindings(record: KeyRecord, observed: Observed): Finding[] {
  const { answer } = observed
  switch (answer.kind) {
    case 'elsewhere':
      return [
        {
          id: 'elsewhere',
          words: `It is a key for ${record.registry}, and the registry here is ${answer.registry}.`,
          repair: `Let Zotbar manage it here: zotbar keys manage ${record.user} --key-stdin`,
        },
      ]
    case 'not-served':
      return [
        {
          id: 'unseen',
          words: 'The registry does not serve, so it cannot be asked.',
          repair: 'Start it: zotbar restart',
        },
      ]
    case 'asked': {
      const unseen: Finding[] =
        answer.keys && !answer.keys.ok
          ? [
              {
                id: 'unseen',
                words: `${failureMessage(answer.keys.error).title}.`,
                repair: 'Look at the registry: zotbar status',
              },
            ]
          : []
      return [...unseen, ...validityFindings(record, answer.keys, observed)]
    }
  }
}

/** Whether the key has expired or was revoked. */
function validityFindings(
  { user, uuid, expirationDate }: KeyRecord,
  keys: Result<ListedKey[]> | undefined,
  { stored, now }: Observed,
): Finding[] {
  const repair = `Rotate it: zotbar keys rotate ${user}`
  if (expirationDate !== null && Date.parse(expirationDate) <= now)
    return [
      {
        id: 'expired',
        words: `It ${remainingTime(expirationDate, now)}.`,
        repair,
        trouble: 'it has ended',
      },
    ]
  const isRevoked = keys
    ? keys.ok && !keys.value.some(listed => listed.uuid === uuid)
    : stored?.ok === true && stored.value !== undefined
  if (!isRevoked) return []
  return [
    {
      id: 'revoked-elsewhere',
      words: 'The registry does not know it any more: it was revoked elsewhere.',
      repair,
      trouble: 'it was revoked elsewhere',
    },
  ]
}

/** Keys of ours by their label that no record knows. */
function unknownKeys(record: KeyRecord, { answer, labelPrefix }: Observed): Finding[] {
  const known = new Set([record.uuid, ...record.retiring.map(({ uuid }) => uuid)])
  const listed = answer.kind === 'asked' && answer.keys?.ok ? answer.keys.value : []
  return listed
    .filter(
      ({ uuid, label }) =>
        labelPrefix !== '' && label.startsWith(labelPrefix) && !known.has(uuid) && label !== record.pending,
    )
    .map(({ uuid, label }) => ({
      id: 'unknown-key',
      words: `${label} looks like a key of ours and is not known here.`,
      repair: `If nobody uses it: zotbar keys revoke ${uuid}`,
    }))
}

const staleSinks = ({ user, sinks }: KeyRecord): Finding[] =>
  sinks
    .filter(({ state }) => state === 'stale')
    .map(({ spec }) => ({
      id: 'sink-stale',
      words: `${spec} holds another key.`,
      repair: `Deliver it again: zotbar keys manage ${user}`,
    }))
