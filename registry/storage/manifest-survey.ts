import { readFile, stat } from 'node:fs/promises'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Snapshot } from '../oci/layout-index.ts'
import { parseManifest } from '../oci/manifest.ts'
import { digestBytes, parseDigest } from '../oci/reference.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import type { SurveyedManifest } from './maintenance.ts'

type Content = Pick<SurveyedManifest, 'kind' | 'links' | 'required' | 'subject'> & {
  /** Links with their media types, for what an index names and index.json does not. */
  readonly typed: readonly { digest: string; mediaType: string }[]
}

const nothing: Content = { kind: 'other', links: [], required: [], subject: undefined, typed: [] }

interface Queued {
  digest: string
  mediaType: string
  needed: boolean
}
const unneeded = (link: { digest: string; mediaType: string }): Queued => ({ ...link, needed: false })

/** Reads manifests of one repository and remembers what they said: content never changes. */
export class ManifestSurvey {
  readonly #root: string
  readonly #name: string
  readonly #pause: () => Promise<void>
  readonly #contents = new Map<string, Content>()

  constructor(root: string, name: string, pause: () => Promise<void>) {
    this.#root = root
    this.#name = name
    this.#pause = pause
  }

  /** Fails where a manifest cannot be read: nobody knows what it holds. */
  async manifests(snapshot: Snapshot): Promise<Result<SurveyedManifest[]>> {
    const tags = new Map<string, string[]>()
    const untagged = new Set<string>()
    for (const { digest, tag } of snapshot.index.entries) {
      if (tag === undefined) untagged.add(digest)
      else tags.set(digest, [...(tags.get(digest) ?? []), tag])
    }
    const found: SurveyedManifest[] = []
    for (const { digest, mediaType } of snapshot.digests.values()) {
      const content = await this.#content(digest, mediaType)
      if (!content.ok) return content
      const { typed: _, ...rest } = content.value ?? nothing
      found.push({
        digest,
        mediaType,
        tags: tags.get(digest) ?? [],
        hasUntagged: untagged.has(digest),
        writtenAt: content.value && (await this.#writtenAt(digest)),
        ...rest,
      })
    }
    return success(found)
  }

  /**
   * Every digest that the index or anything reachable from it names. A tagged manifest whose file is gone
   * fails it: what it held would be taken for garbage.
   */
  async references(snapshot: Snapshot): Promise<Result<Set<string>>> {
    const named = new Set<string>()
    const queue: Queued[] = []
    for (const { digest, mediaType } of snapshot.digests.values()) {
      named.add(digest)
      queue.push({ digest, mediaType, needed: true })
    }
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      const content = await this.#content(at.digest, at.mediaType)
      if (!content.ok) return content
      if (!content.value) {
        if (at.needed) return failure('storage-failed', { reason: `manifest ${at.digest} is missing` })
        continue
      }
      const { kind, links, typed } = content.value
      if (kind === 'index') queue.push(...typed.filter(link => !named.has(link.digest)).map(unneeded))
      for (const link of links) named.add(link)
    }
    return success(named)
  }

  async #writtenAt(digest: string): Promise<number | undefined> {
    const parsed = parseDigest(digest)
    const found = parsed && (await stat(layout.blob(this.#root, this.#name, parsed)).catch(() => undefined))
    return found?.mtimeMs
  }

  /** Undefined: there is no such file. */
  async #content(digest: string, mediaType: string): Promise<Result<Content | undefined>> {
    const known = this.#contents.get(digest)
    if (known) return success(known)
    const parsed = parseDigest(digest)
    if (!parsed) return success(undefined)
    await this.#pause()
    let body: Buffer
    try {
      body = await readFile(layout.blob(this.#root, this.#name, parsed))
    } catch (error) {
      if (isMissing(error)) return success(undefined)
      throw error
    }
    if (digestBytes(parsed.algorithm, body).text !== digest)
      return failure('storage-failed', { reason: `manifest ${digest} is damaged on disk` })
    const content = contentOf(body, mediaType)
    this.#contents.set(digest, content)
    return success(content)
  }
}

const anyDigest = /sha256:[a-f0-9]{64}(?![a-f0-9])|sha512:[a-f0-9]{128}(?![a-f0-9])/g

/** Whatever else is stored as a manifest holds every digest that stands anywhere in it. */
function contentOf(body: Buffer, mediaType: string): Content {
  const parsed = parseManifest(body, mediaType)
  if (!parsed.ok) return { ...nothing, links: body.toString('latin1').match(anyDigest) ?? [] }
  const { kind, links, required, subject } = parsed.manifest
  const typed = links.map(link => ({ digest: link.digest.text, mediaType: link.mediaType }))
  return {
    kind,
    links: typed.map(link => link.digest),
    required: required.map(link => link.digest.text),
    subject: subject?.text,
    typed,
  }
}
