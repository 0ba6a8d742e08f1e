import { count } from '../../contract/messages/format.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { creationsOf, type LoggedRequest, type LoggedRequests } from './logged-requests.ts'

/** A key that Zotbar does not manage, found after a leak, and what became of it. */
export interface FoundKey {
  uuid: string
  label: string
  createdAt: string
  mintedBy?: string
  isRevoked: boolean
}

interface LeakFacts {
  user: string
  leaked: { uuid: string; label: string; createdAt: string; mintedBy?: string }
  log: LoggedRequests
  found: readonly FoundKey[]
}

/** More groups of requests than these are counted and not listed. */
const maxGroups = 20
/** The same for keys that were created or revoked. */
const maxKeys = 100
const maxNames = 3

/**
 * What a person has to look at after a leak: the keys that were created and revoked first, then what was pushed and
 * deleted, then what was read, and at the end what the log cannot say.
 */
export function leakReport(facts: LeakFacts): RunbookPart[] {
  const { leaked, log, found } = facts
  const creations = creationsOf(log.requests, [...found, leaked])
  const ofKind = (kind: LoggedRequest['kind']) => log.requests.filter(request => request.kind === kind)
  // A session without a name counts only where it created a key of this user.
  const keyRequests = ofKind('key').filter(request => !request.isNameless || creations.has(request))
  const byLeaked = ({ keyId }: LoggedRequest): number => (keyId === leaked.uuid ? 0 : 1)
  const changes = keyRequests
    .filter(({ status }) => status < 300)
    .toSorted((a, b) => byLeaked(a) - byLeaked(b))
  const hidden = changes.splice(maxKeys).length
  const parts = [
    ...changes.map(request =>
      partOf(
        `${moment(request.at)}, ${clientOf(request)}`,
        keyChangeText(request, creations.get(request), facts),
      ),
    ),
    ...(hidden === 0 ? [] : [partOf(`And ${count(hidden, 'more change')} of keys`, inTheLog)]),
    ...groupsOf(
      keyRequests.filter(({ status }) => status >= 300),
      group => `Tried to ${group[0].method === 'POST' ? 'create' : 'revoke'} a key: ${answersOf(group)}`,
    ),
    ...groupsOf(ofKind('write'), writeText),
    ...groupsOf(ofKind('read'), readText),
  ]
  return [...parts, ...limitsOf(facts, parts.length === 0)].map((part, index) => ({
    ...part,
    id: `use:${index}`,
  }))
}

type Part = Omit<RunbookPart, 'id'>

const partOf = (title: string, message: string, state: RunbookPart['state'] = 'unproven'): Part => ({
  title,
  words: message,
  state,
})

const inTheLog = 'They are in the log: zotbar logs'

const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** "from 10.0.0.7 with curl/8.1". */
export function clientOf({ from, forwardedFor, agent }: LoggedRequest): string {
  const forwarded = forwardedFor === undefined ? '' : `, which names ${forwardedFor.slice(0, 100)},`
  return `from ${from || 'an unknown address'}${forwarded} with ${agent.slice(0, 100) || 'no name of a program'}`
}

/** "“deploy”, 0a1b…"; the uuid alone where it has no label. */
const nameOf = ({ uuid, label }: Pick<FoundKey, 'uuid' | 'label'>): string =>
  label === '' ? uuid : `“${label}”, ${uuid}`

function keyChangeText(
  request: LoggedRequest,
  created: FoundKey | LeakFacts['leaked'] | undefined,
  { found, leaked }: LeakFacts,
): string {
  const { method, path, query, status } = request
  const answer = `${method} ${path}: ${status}`
  if (method === 'POST') {
    if (created === leaked) return `Created the leaked key (${answer})`
    if (created && 'isRevoked' in created)
      return `Created the key ${nameOf(created)}, ${created.isRevoked ? 'which is revoked now' : 'which still works'} (${answer})`
    return `Created a key that is not listed any more (${answer})`
  }
  const uuid = query.get('id') ?? ''
  const known = found.find(key => key.uuid === uuid)
  const name =
    uuid === leaked.uuid ? 'the leaked key' : `the key ${known ? nameOf(known) : uuid.slice(0, 100)}`
  return `Revoked ${name} (${answer})`
}

interface Target {
  action: 'push' | 'delete' | 'read' | 'other'
  repository: string
  /** A tag or digest; absent for blobs and lists. */
  reference?: string
}

function targetOf({ method, path }: LoggedRequest): Target {
  const isRead = method === 'GET' || method === 'HEAD'
  const [, repository, resource, rest = ''] =
    /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(path) ?? []
  if (repository === undefined) return { action: isRead ? 'read' : 'other', repository: path }
  const action = isRead ? 'read' : method === 'DELETE' && !isUploadOf(path) ? 'delete' : 'push'
  return { action, repository, ...(resource === 'manifests' ? { reference: rest } : {}) }
}

const isUploadOf = (path: string): boolean => /^\/v2\/.+\/blobs\/uploads(\/|$)/.test(path)

/** It began an upload or cancelled one: nothing of it is in the registry. */
const leavesNothing = ({ method, path, status }: LoggedRequest): boolean =>
  isUploadOf(path) && (method === 'DELETE' || (method === 'POST' && status === 202))

/** The same thing done by the same client becomes one part. */
function groupsOf(
  requests: readonly LoggedRequest[],
  textOf: (group: readonly [LoggedRequest, ...LoggedRequest[]]) => string,
): Part[] {
  const groups = new Map<string, [LoggedRequest, ...LoggedRequest[]]>()
  for (const request of requests) {
    const { action, repository } = targetOf(request)
    const { kind, method, from, forwardedFor, agent, status } = request
    const id = [
      kind === 'read' ? '' : `${kind === 'key' ? method : action} ${repository}`,
      from,
      forwardedFor,
      agent,
      status < 400,
    ].join('\n')
    const group = groups.get(id)
    if (group) group.push(request)
    else groups.set(id, [request])
  }
  const parts = [...groups.values()].map(group => {
    const [newest] = group
    const last = group.length === 1 ? '' : ' last'
    return partOf(`${moment(newest.at)}${last}, ${clientOf(newest)}`, textOf(group))
  })
  const hidden = parts.splice(maxGroups)
  if (hidden.length > 0) parts.push(partOf(`And ${count(hidden.length, 'more client')}`, inTheLog))
  return parts
}

function writeText(group: readonly [LoggedRequest, ...LoggedRequest[]]): string {
  const { action, repository } = targetOf(group[0])
  const isDone = group[0].status < 400
  const references = namesOf(group.flatMap(request => targetOf(request).reference ?? []))
  const what = references === '' ? repository : `${repository} (${references})`
  const [did, tried] = {
    push: [group.every(leavesNothing) ? 'Only began an upload to' : 'Pushed to', 'push to'],
    delete: ['Deleted in', 'delete in'],
    other: ['Sent to', 'send to'],
    read: ['Read', 'read'],
  }[action]
  return `${isDone ? did : `Tried to ${tried}`} ${what}: ${answersOf(group)}`
}

function readText(group: readonly [LoggedRequest, ...LoggedRequest[]]): string {
  const names = namesOf(group.map(request => targetOf(request).repository))
  return `${group[0].status < 400 ? 'Read' : 'Tried to read'} ${names}: ${answersOf(group)}`
}

/** "12 requests, 200 and 404". */
function answersOf(group: readonly LoggedRequest[]): string {
  const statuses = [...new Set(group.map(({ status }) => status))].toSorted((a, b) => a - b)
  return `${count(group.length, 'request')}, ${statuses.join(', ')}`
}

function namesOf(all: readonly string[]): string {
  const names = [...new Set(all)].map(name => name.slice(0, 100))
  const rest = names.length - maxNames
  return rest <= 0 ? names.join(', ') : `${names.slice(0, maxNames).join(', ')} and ${rest} more`
}

/** What cannot be said, and what is certain. */
function limitsOf({ user, leaked, log }: LeakFacts, isEmpty: boolean): Part[] {
  const { since, requests, hasRequests } = log
  if (since === undefined)
    return [
      partOf('The registry’s log', 'It is empty or cannot be read: nothing is known of who used the key'),
    ]
  if (!hasRequests)
    return [
      partOf(
        'The registry’s log',
        'It has no requests, as log.level in config.json leaves them out: nothing is known of who used the key',
      ),
    ]
  const parts: Part[] = []
  if (isEmpty) parts.push(partOf(`Requests of ${user}`, 'None in the log but those of this run', 'passed'))
  else if (requests.some(({ keyId, isNameless }) => keyId === undefined && !isNameless))
    parts.push(
      partOf(
        'Which key it was',
        `The log names ${user} and not the key: what was done with a password or another key of ${user} is among these`,
      ),
    )
  const created = Date.parse(leaked.createdAt)
  const isWhole = since <= created
  parts.push(
    partOf(
      `The log goes back to ${moment(since)}`,
      isWhole
        ? 'The key is younger'
        : `The key was created on ${moment(created)}: what was done with it before the log begins is not known`,
      isWhole ? 'passed' : 'unproven',
    ),
  )
  return parts
}
