import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Failure } from '../../../contract/failure.ts'
import type { Image, ImageDeleted, ImageDetails, ImageList } from '../../../contract/image.ts'
import { imageReference, isDigest, pullReference } from '../../../contract/messages/format.ts'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { parseJson } from '../../../lib/json.ts'
import { refName } from '../../../lib/store-names.ts'
import type { AdminClient } from '../../platform/admin-client.ts'
import { referencePath } from '../../platform/reference-path.ts'
import { type RegistryHttp, refusal } from '../../platform/registry-http.ts'
import { inParallel } from '../../platform/tasks.ts'
import { readActivity, type Times } from './activity.ts'
import { acceptManifests, factReader, sum } from './manifest-facts.ts'
import { storedImages } from './stored-images.ts'
import { cursorOf, type Tag, tagPage, unreadableBecause } from './tag-pages.ts'

interface Options {
  registry: RegistryHttp
  admin: AdminClient
  /** Where the engine may report stored facts; undefined: over HTTP alone. */
  adminSocket?: string
  /** Where clients reach the registry: "127.0.0.1:5050". */
  addresses(): { given: string; local?: string }
  /** Whether a repository holds copies from an upstream, which must not be asked about each tag for a list. */
  isCached(repository: string): boolean
  dataFolder(): string | undefined
}

interface Named {
  repository: string
  /** A tag or a digest. */
  reference: string
}

/** The images of a running registry: as it stores them, where it tells that; over its HTTP API with every engine. */
export interface Images {
  list(page: { repository?: string; after?: string; limit: number }): Promise<Result<ImageList>>
  show(named: Named): Promise<Result<ImageDetails>>
  delete(named: Named): Promise<Result<ImageDeleted>>
}

/** Tags looked at side by side. */
const width = 8

/** 400: only a tag that is there may have a form that clients are not allowed to make. */
const isAbsent = (status: number): boolean => status === 404 || status === 400

export function createImages(options: Options): Images {
  const { registry, admin, adminSocket, addresses, isCached, dataFolder } = options
  const facts = factReader(registry)

  /** Found by HEAD, which no engine counts as a pull. `image-not-found` when it is not there. */
  async function digestOf({ repository, reference }: Named): Promise<Result<string>> {
    const path = `/v2/${repository}/manifests/${referencePath(reference)}`
    const head = await registry.ask(path, { method: 'HEAD', accept: acceptManifests })
    if (!head.ok) return head
    if (isAbsent(head.value.status)) return fail({ code: 'image-not-found', repository, reference })
    const digest = head.value.header('docker-content-digest')
    if (head.value.status === 200 && digest !== undefined) return ok(digest)
    const refused = refusal(head.value, `read ${imageReference(repository, reference)}`)
    if (unreadableBecause(refused) === undefined) return fail(refused)
    // An answer to HEAD has no words; the list of tags tells whether it is the whole repository.
    const page = { repository, limit: 1 }
    const stored = adminSocket === undefined ? undefined : await storedImages(adminSocket, page)
    const tags = stored ?? (await tagPage(registry, page))
    return fail(tags.ok ? refused : asUnreadable(repository, tags.error))
  }

  /** Of a copy the digest is read from disk: asking for its tag would ask the upstream. */
  async function digestOfTag({ repository, tag }: Tag, cached: Map<string, Map<string, string>>) {
    const onDisk = cached.get(repository)?.get(tag)
    return onDisk === undefined ? digestOf({ repository, reference: tag }) : ok(onDisk)
  }

  return {
    async list(page) {
      const stored = adminSocket === undefined ? undefined : await storedImages(adminSocket, page)
      // A repository that is not there is distinguished from an empty one over HTTP alone.
      if (stored && !stored.ok && page.repository !== undefined)
        return fail(asUnreadable(page.repository, stored.error))
      if (stored && (!stored.ok || stored.value.images.length > 0 || page.repository === undefined))
        return stored
      const listed = await tagPage(registry, page)
      if (!listed.ok)
        return page.repository === undefined ? listed : fail(asUnreadable(page.repository, listed.error))
      const { tags, more, unreadable } = listed.value
      const repositories = [...new Set(tags.map(tag => tag.repository))]
      const activity = await readActivity(admin, repositories)
      const cached = new Map<string, Map<string, string>>()
      const folder = dataFolder()
      for (const name of repositories)
        if (folder !== undefined && isCached(name)) cached.set(name, await tagsOnDisk(folder, name))
      const rows = await inParallel(
        tags,
        async (tag): Promise<Result<Image>> => {
          const digest = await digestOfTag(tag, cached)
          if (!digest.ok) return digest
          const stored = await facts.read(tag.repository, digest.value)
          return ok({
            ...tag,
            digest: digest.value,
            platforms: stored?.platforms.map(entry => entry.platform) ?? [],
            ...(stored ? { size: sum(stored.blobs) } : {}),
            ...timesOf(activity?.get(tag.repository)?.get(tag.tag)),
          })
        },
        width,
      )
      const named = new Set(unreadable.map(entry => entry.repository))
      for (const [at, row] of rows.entries()) {
        const repository = tags[at]?.repository ?? ''
        // Deleted since the list was read: left out.
        if (row.ok || row.error.code === 'image-not-found' || named.has(repository)) continue
        const reason = page.repository === undefined ? unreadableBecause(row.error) : undefined
        if (reason === undefined) return row
        named.add(repository)
        unreadable.push({ repository, reason })
      }
      const last = tags.at(-1)
      return ok({
        images: rows.flatMap(row => (row.ok ? [row.value] : [])),
        ...(more && last ? { next: cursorOf(last) } : {}),
        timesKnown: activity !== undefined,
        ...(unreadable.length === 0 ? {} : { unreadable }),
      })
    },

    async show(named) {
      const { repository, reference } = named
      const digest = await digestOf(named)
      if (!digest.ok) return digest
      const stored = await facts.read(repository, digest.value)
      const activity = await readActivity(admin, [repository])
      const tag = isDigest(reference) ? undefined : reference
      const { given, local } = addresses()
      const name = pullReference(repository, reference, digest.value)
      const pull = (from: string): string => `docker pull ${from}/${name}`
      return ok({
        repository,
        ...(tag === undefined ? {} : { tag }),
        digest: digest.value,
        mediaType: stored?.mediaType ?? '',
        platforms: stored?.platforms ?? [],
        layers: stored?.layers ?? [],
        ...(stored ? { size: sum(stored.blobs) } : {}),
        ...timesOf(activity?.get(repository)?.get(reference)),
        pullCommand: pull(given),
        ...(local === undefined ? {} : { localPullCommand: pull(local) }),
      })
    },

    async delete(named) {
      const { repository, reference } = named
      const digest = await digestOf(named)
      if (!digest.ok) return digest
      const action = `delete ${imageReference(repository, reference)}`
      const path = `/v2/${repository}/manifests/${referencePath(reference)}`
      const deleted = await registry.ask(path, { method: 'DELETE' })
      if (!deleted.ok) return deleted
      if (deleted.value.status === 404) return fail({ code: 'image-not-found', repository, reference })
      if (deleted.value.status !== 202 && deleted.value.status !== 200)
        return fail(refusal(deleted.value, action))
      return ok({ repository, reference, digest: digest.value, tagOnly: !isDigest(reference) })
    },
  }
}

/** A fault of the repository, where the registry says that it is one; else as it was. */
function asUnreadable(repository: string, error: Failure): Failure {
  const reason = unreadableBecause(error)
  return reason === undefined ? error : { code: 'repository-unreadable', repository, reason }
}

function timesOf(times: Times | undefined): Pick<Image, 'pushedAt' | 'pushedBy' | 'lastPulled' | 'pulls'> {
  if (!times) return {}
  const { pulls, lastPulled, pushedAt, pushedBy } = times
  return {
    pulls,
    ...(lastPulled === undefined ? {} : { lastPulled }),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pushedBy === undefined ? {} : { pushedBy }),
  }
}

const indexShape = v.object({
  manifests: v.array(
    v.object({ digest: v.string(), annotations: v.optional(v.nullable(v.record(v.string(), v.string()))) }),
  ),
})

/** The digest of each tag, as index.json has it. */
async function tagsOnDisk(folder: string, repository: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, repository, 'index.json')).catch(() => Buffer.alloc(0))
  const read = v.safeParse(indexShape, parseJson(text))
  const newest = new Map<string, string>()
  for (const { digest, annotations } of read.success ? read.output.manifests : []) {
    const tag = annotations?.[refName]
    if (tag !== undefined) newest.set(tag, digest)
  }
  return newest
}
