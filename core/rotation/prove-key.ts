import * as v from 'valibot'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { parseJson } from '../../lib/json.ts'
import type { RegistryAnswer, RegistryAsk } from '../platform/registry-http.ts'
import type { Bearer, KeyDesk } from './key-client.ts'

interface Wish {
  desk: Pick<KeyDesk, 'ask' | 'own'>
  bearer: Bearer
  /** Where it is tried; without one, a repository that the key can list. */
  repository?: string | undefined
  /** The key before: what it may not either is no fault of this one. */
  before?: Bearer | undefined
  tell(part: RunbookPart): void
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

const catalog = v.object({ repositories: v.nullable(v.array(v.string())) })
const tagList = v.object({ tags: v.nullish(v.array(v.string())) })

/** So many repositories of the catalog are tried for one that can be pulled from and pushed to. */
const mostTried = 20

/**
 * Tries what a key is for. Nothing is written: the upload is cancelled, and what is sent to an existing tag is no
 * manifest. What cannot be tried is `skipped`; `unproven` is told and fails nothing.
 */
export async function proveKey({ desk, bearer, repository, before, tell }: Wish): Promise<RunbookPart[]> {
  const found: RunbookPart[] = []
  const say = (id: Check, state: RunbookPart['state'], words: string): void => {
    const part = { id, title: titles[id], state, words }
    found.push(part)
    tell(part)
  }
  const { user } = bearer

  tell({ id: 'authenticates', title: titles.authenticates, state: 'working' })
  const own = await desk.own(bearer)
  if (!own.ok || own.value === 'refused') {
    const words = own.ok ? `The registry does not let ${user} in with it` : failureMessage(own.error).title
    say('authenticates', 'failed', words)
    for (const id of ['pull', 'upload', 'overwrite'] as const) say(id, 'skipped', 'Not tried')
    return found
  }
  say('authenticates', 'passed', `The registry lets ${user} in`)

  const get = (path: string, options?: RegistryAsk) => desk.ask(path, bearer, options)
  tell({ id: 'pull', title: titles.pull, state: 'working' })
  const place = repository === undefined ? await anyPlace(get) : await thisPlace(get, repository)
  if (place.tag !== undefined) {
    const pulled = await get(`/v2/${place.repository}/manifests/${place.tag}`, { accept: manifestTypes })
    const status = pulled.ok ? pulled.value.status : 0
    const image = `${place.repository}:${place.tag}`
    if (status === 200) say('pull', 'passed', `${image} can be pulled`)
    else if (status === 404) say('pull', 'skipped', `Not tried: ${image} is gone`)
    else say('pull', 'failed', `${image} cannot be pulled: ${textOf(pulled)}`)
  } else if (place.refused === undefined) say('pull', 'skipped', `Not tried: ${place.why}`)
  else say('pull', 'failed', `${place.repository} cannot be read: ${place.refused}`)

  await upload()
  await overwrite()
  return found

  async function upload(): Promise<void> {
    tell({ id: 'upload', title: titles.upload, state: 'working' })
    const tried = repository === undefined ? place.candidates : place.exists ? [repository] : []
    if (tried.length === 0) return say('upload', 'skipped', `Not tried: ${place.why ?? 'no repository'}`)
    for (const name of tried) {
      const begun = await get(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
      if (begun.ok && begun.value.status === 202) {
        // zot refuses this to a key without delete, and collects the empty upload by itself.
        const upload = pathOf(begun.value.header('location'))
        if (upload !== undefined) await get(upload, { method: 'DELETE' })
        return say('upload', 'passed', `An upload to ${name} was started and cancelled`)
      }
      const denied = begun.ok && (begun.value.status === 403 || begun.value.status === 401)
      if (!denied) return say('upload', 'failed', `No upload to ${name}: ${textOf(begun)}`)
      if (repository !== undefined)
        return say(
          'upload',
          'failed',
          `${user} may not push to ${name}: config.json does not give it "create" there`,
        )
    }
    say('upload', 'skipped', `Not tried: no repository is known in which ${user} may push`)
  }

  async function overwrite(): Promise<void> {
    tell({ id: 'overwrite', title: titles.overwrite, state: 'working' })
    const { tag } = place
    if (tag === undefined) return say('overwrite', 'skipped', `Not tried: ${place.why ?? 'no tag'}`)
    const image = `${place.repository}:${tag}`
    const put = (as: Bearer) =>
      desk.ask(`/v2/${place.repository}/manifests/${tag}`, as, {
        method: 'PUT',
        text: { type: 'application/vnd.oci.image.manifest.v1+json', content: 'no manifest: a proof' },
      })
    const answer = await put(bearer)
    const status = answer.ok ? answer.value.status : 0
    if (status === 403 || status === 401)
      return say('overwrite', 'passed', `${image} is refused to it, as it should be`)
    if (status !== 400) return say('overwrite', 'skipped', `Not known: ${textOf(answer)}`)
    const old = before ? await put(before) : undefined
    if (old?.ok && old.value.status === 403)
      return say('overwrite', 'failed', `It may overwrite ${image}, which the key before may not`)
    say('overwrite', 'unproven', `${user} may overwrite ${image}: config.json gives it "update" there`)
  }
}

interface Place {
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

type Get = (path: string, options?: RegistryAsk) => ReturnType<KeyDesk['ask']>

async function thisPlace(get: Get, repository: string): Promise<Place> {
  const answer = await get(`/v2/${repository}/tags/list`)
  const place = { repository, candidates: [repository] }
  const status = answer.ok ? answer.value.status : 0
  if (status === 404) return { ...place, exists: false, why: `there is no repository ${repository}` }
  if (status !== 200 || !answer.ok) return { ...place, exists: status === 403, refused: textOf(answer) }
  const tag = firstTag(answer.value)
  return tag === undefined
    ? { ...place, exists: true, why: `${repository} has no tag` }
    : { ...place, exists: true, tag }
}

async function anyPlace(get: Get): Promise<Place> {
  const answer = await get('/v2/_catalog?n=200')
  const read = answer.ok ? v.safeParse(catalog, parseJson(answer.value.body)) : undefined
  const all = read?.success ? (read.output.repositories ?? []) : []
  // One of each first part of a name: the copies of other registries are many.
  const firsts = new Map(all.map(name => [name.split('/')[0] ?? name, name]))
  const candidates = [...new Set([...firsts.values(), ...all])].slice(0, mostTried)
  for (const repository of candidates) {
    const tags = await get(`/v2/${repository}/tags/list`)
    const tag = tags.ok && tags.value.status === 200 ? firstTag(tags.value) : undefined
    if (tag !== undefined) return { repository, exists: true, tag, candidates }
  }
  const why = candidates.length === 0 ? 'there is no repository that it can list' : 'no repository has a tag'
  return { repository: candidates[0] ?? '', exists: candidates.length > 0, why, candidates }
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

export const works = (checks: readonly RunbookPart[]): boolean =>
  checks.every(({ state }) => state !== 'failed')
