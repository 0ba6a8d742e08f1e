import * as v from 'valibot'
import type { Failure } from '../../../contract/failure.ts'
import type { UnreadableRepository } from '../../../contract/image.ts'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { parseJson } from '../../../lib/json.ts'
import { type RegistryHttp, refusal } from '../../platform/registry-http.ts'

export interface Tag {
  repository: string
  tag: string
}

const catalogShape = v.object({ repositories: v.nullable(v.array(v.string())) })
const tagsShape = v.object({ tags: v.nullable(v.array(v.string())) })
const catalogPage = 200
/** Lists of names; a tag has 128 characters at most. */
const maxBytes = 64 * 1024 * 1024

/** Where a page begins: after this tag. A tag has no colon and a repository has none either. */
export const cursorOf = ({ repository, tag }: Tag): string => `${repository}:${tag}`

export function readCursor(text: string): Tag | undefined {
  const at = text.indexOf(':')
  return at <= 0 ? undefined : { repository: text.slice(0, at), tag: text.slice(at + 1) }
}

export interface TagPage {
  tags: Tag[]
  more: boolean
  unreadable: UnreadableRepository[]
}

/**
 * Up to `limit` tags after `after`, sorted by repository and tag, of one repository or of all that may be read.
 * `more` says that others follow. Of all, one that the registry itself cannot read is named and hides no other one. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function tagPage(
  registry: RegistryHttp,
  { repository, after, limit }: { repository?: string; after?: string; limit: number },
): Promise<Result<TagPage>> {
  const from = after === undefined ? undefined : readCursor(after)
  const tags: Tag[] = []
  const unreadable: UnreadableRepository[] = []
  const addRepository = async (name: string): Promise<Result<null>> => {
    const listed = await tagsOf(registry, name)
    if (!listed.ok) return listed
    const rest = from?.repository === name ? listed.value.filter(tag => tag > from.tag) : listed.value
    for (const tag of rest) tags.push({ repository: name, tag })
    return ok(null)
  }
  const page = () => ok({ tags: tags.slice(0, limit), more: tags.length > limit, unreadable })

  if (repository !== undefined) {
    const added = await addRepository(repository)
    return added.ok ? page() : added
  }
  /** One of many: gone since the list was read, or not readable. */
  const addNested = async (name: string): Promise<Result<null>> => {
    const added = await addRepository(name)
    if (added.ok || added.error.code === 'image-not-found') return ok(null)
    const reason = unreadableBecause(added.error)
    if (reason === undefined) return added
    unreadable.push({ repository: name, reason })
    return ok(null)
  }
  if (from) {
    // Deleted between two pages: the list goes on after its name.
    const added = await addNested(from.repository)
    if (!added.ok) return added
  }
  let last = from?.repository
  while (tags.length <= limit) {
    const names = await catalog(registry, last)
    if (!names.ok) return names
    for (const name of names.value) {
      if (tags.length > limit) break
      const added = await addNested(name)
      if (!added.ok) return added
    }
    last = names.value.at(-1)
    if (last === undefined) break
  }
  return page()
}

/** Why the registry cannot read something of its store; undefined for a failure that is about the registry itself. */
export function unreadableBecause(error: Failure): string | undefined {
  if (error.code !== 'registry-refused' || error.status !== 500) return undefined
  return error.reason === '' ? 'the registry cannot read it' : error.reason
}

async function catalog(registry: RegistryHttp, last: string | undefined): Promise<Result<string[]>> {
  const after = last === undefined ? '' : `&last=${encodeURIComponent(last)}`
  const answer = await registry.ask(`/v2/_catalog?n=${catalogPage}${after}`, { maxBytes })
  if (!answer.ok) return answer
  const read = v.safeParse(catalogShape, parseJson(answer.value.body))
  if (answer.value.status !== 200 || !read.success)
    return fail(refusal(answer.value, 'list the repositories'))
  // An engine that does not page sends all of them again.
  return ok((read.output.repositories ?? []).filter(name => last === undefined || name > last))
}

async function tagsOf(registry: RegistryHttp, repository: string): Promise<Result<string[]>> {
  const answer = await registry.ask(`/v2/${repository}/tags/list`, { maxBytes })
  if (!answer.ok) return answer
  if (answer.value.status === 404) return fail({ code: 'image-not-found', repository })
  const read = v.safeParse(tagsShape, parseJson(answer.value.body))
  if (answer.value.status !== 200 || !read.success)
    return fail(refusal(answer.value, `list the tags of ${repository}`))
  return ok((read.output.tags ?? []).toSorted())
}
