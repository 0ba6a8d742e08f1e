import * as v from 'valibot'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { parseJson } from '../../lib/json.ts'
import type { RegistryAnswer, RegistryRequest } from '../platform/registry-http.ts'
import type { Bearer, KeyClient } from './key-client.ts'

interface ProveRequest {
  client: Pick<KeyClient, 'request' | 'listOwn'>
  bearer: Bearer
  /** The repository to try it in; without one, any that the key can list. */
  repository?: string | undefined
  /** The previous key: only what that one may do can be missing. */
  before?: Bearer | undefined
  onPart(part: RunbookPart): void
}

const titles = {
  authenticates: 'It lets the user in',
  pull: 'It may pull',
  upload: 'It may start an upload',
  overwrite: 'It may not overwrite a tag',
} as const
type Check = keyof typeof titles

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

const catalogAnswer = v.object({ repositories: v.nullable(v.array(v.string())) })
const tagList = v.object({ tags: v.nullish(v.array(v.string())) })

/** How many repositories of the catalog are tried to find one with a tag. */
const maxTried = 20

/**
 * Tries what a key is for. Nothing is written: the upload is cancelled, and what is sent to an existing tag is no
 * manifest. What cannot be tried is `skipped`; `unproven` is reported and fails nothing.
 */
export async function proveKey({
  client,
  bearer,
  repository,
  before,
  onPart,
}: ProveRequest): Promise<RunbookPart[]> {
  const checks: RunbookPart[] = []
  const report = (id: Check, state: RunbookPart['state'], message: string): void => {
    const part = { id, title: titles[id], state, words: message }
    checks.push(part)
    onPart(part)
  }
  const { user } = bearer

  onPart({ id: 'authenticates', title: titles.authenticates, state: 'working' })
  const listed = await client.listOwn(bearer)
  if (!listed.ok || listed.value === 'refused') {
    const message = listed.ok
      ? `The registry does not let ${user} in with it`
      : failureMessage(listed.error).title
    report('authenticates', 'failed', message)
    for (const id of ['pull', 'upload', 'overwrite'] as const) report(id, 'skipped', 'Not tried')
    return checks
  }
  report('authenticates', 'passed', `The registry lets ${user} in`)

  const get = (path: string, options?: RegistryRequest) => client.request(path, bearer, options)
  onPart({ id: 'pull', title: titles.pull, state: 'working' })
  const target = repository === undefined ? await findTestImage(get) : await testImageIn(get, repository)
  if (target.tag !== undefined) {
    const pulled = await get(`/v2/${target.repository}/manifests/${target.tag}`, { accept: manifestTypes })
    const status = pulled.ok ? pulled.value.status : 0
    const image = `${target.repository}:${target.tag}`
    if (status === 200) report('pull', 'passed', `${image} can be pulled`)
    else if (status === 404) report('pull', 'skipped', `Not tried: ${image} is gone`)
    else report('pull', 'failed', `${image} cannot be pulled: ${textOf(pulled)}`)
  } else if (target.refused === undefined) report('pull', 'skipped', `Not tried: ${target.why}`)
  else report('pull', 'failed', `${target.repository} cannot be read: ${target.refused}`)

  await upload()
  await overwrite()
  return checks

  async function upload(): Promise<void> {
    onPart({ id: 'upload', title: titles.upload, state: 'working' })
    const candidates = repository === undefined ? target.candidates : target.exists ? [repository] : []
    if (candidates.length === 0)
      return report('upload', 'skipped', `Not tried: ${target.why ?? 'no repository'}`)
    for (const name of candidates) {
      const begun = await get(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
      if (begun.ok && begun.value.status === 202) {
        // zot refuses this to a key without delete, and collects the empty upload by itself.
        const upload = pathOf(begun.value.header('location'))
        const ended = upload === undefined ? undefined : await get(upload, { method: 'DELETE' })
        const isCancelled = ended?.ok && ended.value.status < 300
        return report(
          'upload',
          'passed',
          isCancelled
            ? `An upload to ${name} was started and cancelled`
            : `An upload to ${name} was started; the registry lets nobody without "delete" cancel it, and removes it by itself later`,
        )
      }
      const denied = begun.ok && (begun.value.status === 403 || begun.value.status === 401)
      if (!denied) return report('upload', 'failed', `No upload to ${name}: ${textOf(begun)}`)
      if (repository !== undefined)
        return report(
          'upload',
          'failed',
          `${user} may not push to ${name}: config.json does not give it "create" there`,
        )
    }
    report('upload', 'skipped', `Not tried: no repository is known in which ${user} may push`)
  }

  async function overwrite(): Promise<void> {
    onPart({ id: 'overwrite', title: titles.overwrite, state: 'working' })
    const { tag } = target
    if (tag === undefined) return report('overwrite', 'skipped', `Not tried: ${target.why ?? 'no tag'}`)
    const image = `${target.repository}:${tag}`
    const put = (as: Bearer) =>
      client.request(`/v2/${target.repository}/manifests/${tag}`, as, {
        method: 'PUT',
        text: { type: 'application/vnd.oci.image.manifest.v1+json', content: 'no manifest: a proof' },
      })
    const answer = await put(bearer)
    const status = answer.ok ? answer.value.status : 0
    if (status === 403 || status === 401)
      return report('overwrite', 'passed', `${image} is refused to it, as it should be`)
    if (status !== 400) return report('overwrite', 'skipped', `Not known: ${textOf(answer)}`)
    const old = before ? await put(before) : undefined
    if (old?.ok && old.value.status === 403)
      return report('overwrite', 'failed', `It may overwrite ${image}, which the key before may not`)
    report('overwrite', 'unproven', `${user} may overwrite ${image}: config.json gives it "update" there`)
  }
}

/** The image that a key is tried with. */
interface TestImage {
  repository: string
  exists: boolean
  tag?: string
  /** Why there is no tag; half a sentence. */
  why?: string
  /** Reading was refused. */
  refused?: string
  /** Where an upload may be tried. */
  candidates: string[]
}

type Get = (path: string, options?: RegistryRequest) => ReturnType<KeyClient['request']>

async function testImageIn(get: Get, repository: string): Promise<TestImage> {
  const answer = await get(`/v2/${repository}/tags/list`)
  const target = { repository, candidates: [repository] }
  const status = answer.ok ? answer.value.status : 0
  if (status === 404) return { ...target, exists: false, why: `there is no repository ${repository}` }
  if (status !== 200 || !answer.ok) return { ...target, exists: status === 403, refused: textOf(answer) }
  const tag = firstTag(answer.value)
  return tag === undefined
    ? { ...target, exists: true, why: `${repository} has no tag` }
    : { ...target, exists: true, tag }
}

async function findTestImage(get: Get): Promise<TestImage> {
  const answer = await get('/v2/_catalog?n=200')
  const read = answer.ok ? v.safeParse(catalogAnswer, parseJson(answer.value.body)) : undefined
  const all = read?.success ? (read.output.repositories ?? []) : []
  // One repository of each namespace first, because a pull-through cache may fill the catalog with copies.
  const firsts = new Map(all.map(name => [name.split('/')[0] ?? name, name]))
  const candidates = [...new Set([...firsts.values(), ...all])].slice(0, maxTried)
  for (const repository of candidates) {
    const tags = await get(`/v2/${repository}/tags/list`)
    const tag = tags.ok && tags.value.status === 200 ? firstTag(tags.value) : undefined
    if (tag !== undefined) return { repository, exists: true, tag, candidates }
  }
  const reason =
    candidates.length === 0 ? 'there is no repository that it can list' : 'no repository has a tag'
  return { repository: candidates[0] ?? '', exists: candidates.length > 0, why: reason, candidates }
}

function firstTag(answer: RegistryAnswer): string | undefined {
  const read = v.safeParse(tagList, parseJson(answer.body))
  return read.success ? read.output.tags?.[0] : undefined
}

function textOf(answer: Awaited<ReturnType<Get>>): string {
  return answer.ok ? `it answers ${answer.value.status}` : failureMessage(answer.error).title
}

/** A location may be whole or relative; only its path is followed, at the same registry. */
const pathOf = (location: string | undefined): string | undefined => {
  const base = 'http://registry'
  if (location === undefined || !URL.canParse(location, base)) return undefined
  const { pathname, search } = new URL(location, base)
  return `${pathname}${search}`
}

export const isWorking = (checks: readonly RunbookPart[]): boolean =>
  checks.every(({ state }) => state !== 'failed')

/**
 * What a key is for and nobody could try, a sentence each without its full stop. A key that may only pull, or only push, has
 * proved itself with that.
 */
export function unprovenUses(checks: readonly RunbookPart[]): string[] {
  const uses = checks.filter(({ id }) => id === 'pull' || id === 'upload')
  if (uses.some(({ state }) => state === 'passed')) return []
  return uses
    .filter(({ state }) => state === 'skipped')
    .map(({ title, words }) => (words === undefined ? title : `${title}: ${words}`))
}
