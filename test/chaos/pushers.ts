import { setImmediate as turn } from 'node:timers/promises'
import { kindOf, parseManifest } from '../../registry/oci/manifest.ts'
import type { Storage } from '../../registry/storage/storage.ts'
import { config, digestOf, imageOf, indexOf, type Made } from '../suites/image.ts'
import { ref, upload } from '../suites/store.ts'

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const repositories = ['a', 'team/b'] as const
const layers = ['layer 0', 'layer 1', 'layer 2', 'layer 3', 'layer 4']
/** What everybody pushes, by digest, and everybody's indexes name: images, and the layers of each. */
const layersOf = new Map(
  [[0], [1], [0, 2], [3, 4], [2, 4]].map(places => {
    const own = places.map(at => layers[at] ?? '')
    return [imageOf(own), own] as const
  }),
)
const children = [...layersOf.keys()]
const inner = [indexOf(children.slice(0, 2)), indexOf(children.slice(2, 4), { annotations: { inner: '1' } })]

interface Tagged {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

/** What one run of pushers did. */
export interface Report {
  /** Pushes of manifests that were acknowledged. */
  pushes: number
  indexes: number
  refused: number
}

/** Somebody who pushes, retags, deletes and mounts, under tags that nobody else uses. */
export class Pusher {
  readonly #storage: Storage
  readonly #name: string
  readonly #random: () => number
  readonly #report: Report
  /** Acknowledged, and not deleted by this one since. */
  readonly acknowledged = new Map<string, Tagged>()

  constructor(storage: Storage, name: string, random: () => number, report: Report) {
    this.#storage = storage
    this.#name = name
    this.#random = random
    this.#report = report
  }

  async run(steps: number): Promise<void> {
    for (let at = 0; at < steps; at++) {
      await this.#step()
      if (this.#random() < 0.3) await turn()
    }
  }

  async #step(): Promise<void> {
    const repository = this.#one(repositories)
    const dice = this.#random()
    if (dice < 0.2) await this.#pushChild(repository, this.#one(children))
    else if (dice < 0.35) await this.#pushImage(repository)
    else if (dice < 0.7) await this.#pushIndex(repository)
    else if (dice < 0.78) await this.#retag()
    else if (dice < 0.84) await this.#mount(repository)
    else if (dice < 0.9) await this.#deleteTag()
    else if (dice < 0.96)
      await this.#storage.manifests.delete(repository, ref(this.#one([...children, ...inner]).digest))
    else await this.#storage.blobs.delete(repository, digestOf(this.#one(layers)))
  }

  /** As clients do it: what is there already is not sent again. */
  async #content(repository: string, bytes: Buffer | string): Promise<void> {
    const there = await this.#storage.blobs.stat(repository, digestOf(bytes))
    if (!there.ok) await upload(this.#storage, repository, bytes)
  }

  async #pushChild(repository: string, child: Made): Promise<void> {
    await this.#content(repository, config)
    for (const layer of layersOf.get(child) ?? []) await this.#content(repository, layer)
    await this.#put(repository, child.digest, child)
  }

  async #pushImage(repository: string): Promise<void> {
    const layer = this.#one(layers)
    await this.#content(repository, config)
    await this.#content(repository, layer)
    // Of this pusher alone, so that nobody else deletes it.
    await this.#put(repository, this.#tag(), imageOf([layer], { annotations: { by: this.#name } }))
  }

  async #pushIndex(repository: string): Promise<void> {
    const named: Made[] = [this.#one(children), this.#one(children)]
    if (this.#random() < 0.3) named.push(this.#one(inner))
    // Often they are there since long ago: `docker manifest push`, `imagetools create`.
    if (this.#random() < 0.4)
      for (const child of named) if (children.includes(child)) await this.#pushChild(repository, child)
    if (this.#random() < 0.3)
      for (const child of named) if (inner.includes(child)) await this.#put(repository, child.digest, child)
    const index = indexOf(named, {
      annotations: { by: this.#name, number: String(Math.floor(this.#random() * 4)) },
    })
    await this.#put(repository, this.#tag(), index)
  }

  async #retag(): Promise<void> {
    const old = this.#one([...this.acknowledged.values()])
    if (!old) return
    const found = await this.#storage.manifests.get(old.repository, ref(old.tag))
    if (!found.ok) return
    const { body, mediaType, digest } = found.value
    await this.#put(old.repository, this.#tag(), { bytes: body, mediaType, digest })
  }

  async #mount(repository: string): Promise<void> {
    const layer = this.#one(layers)
    const from = await this.#storage.blobs.find(repository, digestOf(layer), name => name !== repository)
    if (!from.ok || from.value === undefined) return
    const mounted = await this.#storage.blobs.mount(from.value, repository, digestOf(layer))
    if (!mounted.ok) return
    await this.#content(repository, config)
    await this.#put(
      repository,
      this.#tag(),
      imageOf([layer], { annotations: { by: this.#name, how: 'mount' } }),
    )
  }

  async #deleteTag(): Promise<void> {
    const old = this.#one([...this.acknowledged.values()])
    if (!old) return
    this.acknowledged.delete(keyOf(old))
    await this.#storage.manifests.delete(old.repository, ref(old.tag))
  }

  async #put(repository: string, reference: string, made: Made): Promise<void> {
    const tagged = { repository, tag: reference, digest: made.digest }
    const isTag = !reference.includes(':')
    const done = await this.#storage.manifests.put(repository, ref(reference), made.mediaType, made.bytes)
    if (!done.ok) {
      if (done.error.name !== 'manifest-incomplete') throw new Error(JSON.stringify(done.error))
      this.#report.refused++
      return
    }
    this.#report.pushes++
    if (kindOf(made.mediaType) === 'index') this.#report.indexes++
    if (isTag) this.acknowledged.set(keyOf(tagged), tagged)
  }

  #tag = (): string => `${this.#name}-${Math.floor(this.#random() * 6)}`

  #one<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T
  }
}

const keyOf = ({ repository, tag }: Tagged): string => `${repository}:${tag}`

/** What is missing of a manifest that somebody pulls whole: itself, children, config and layers, byte by byte. */
export async function missingOf(
  storage: Storage,
  repository: string,
  reference: string,
  expected?: string,
): Promise<string[]> {
  const found = await storage.manifests.get(repository, ref(reference))
  if (!found.ok) return [`${repository}:${reference}: ${found.error.name}`]
  const { body, mediaType, digest } = found.value
  if (expected !== undefined && digest !== expected) return [`${repository}:${reference} is ${digest}`]
  const parsed = parseManifest(body, mediaType)
  if (!parsed.ok) return [`${repository}@${digest}: ${parsed.problem}`]
  const missing: string[] = []
  for (const link of parsed.manifest.links) {
    if (kindOf(link.mediaType)) {
      missing.push(...(await missingOf(storage, repository, link.digest.text)))
      continue
    }
    const opened = await storage.blobs.open(repository, link.digest)
    if (!opened.ok) {
      missing.push(`${repository}@${digest} lacks ${link.digest.text}: ${opened.error.name}`)
      continue
    }
    const bytes = Buffer.alloc(opened.value.size)
    await opened.value.read(bytes, 0)
    await opened.value.close()
    if (digestOf(bytes, link.digest.algorithm).text !== link.digest.text)
      missing.push(`${repository}@${digest} has a damaged ${link.digest.text}`)
  }
  return missing
}
