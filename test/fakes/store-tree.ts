import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const refName = 'org.opencontainers.image.ref.name'

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A store in zot's layout that a test writes by hand: no registry, so it makes thousands of files a second. */
export class StoreTree {
  readonly root: string
  #tags = new Map<string, Map<string, string>>()
  #untagged = new Map<string, string[]>()

  constructor(root: string) {
    this.root = root
  }

  repository(name: string): void {
    if (this.#tags.has(name)) return
    this.#tags.set(name, new Map())
    mkdirSync(join(this.root, name, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(this.root, name, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    this.#writeIndex(name)
  }

  /** Returns the digest. */
  blob(name: string, content: string | Buffer): string {
    this.repository(name)
    const hex = sha256(content)
    writeFileSync(this.path(name, `sha256:${hex}`), content)
    return `sha256:${hex}`
  }

  /** The same file in a second repository, as deduplication makes it. */
  link(from: string, to: string, digest: string): void {
    this.repository(to)
    rmSync(this.path(to, digest), { force: true })
    linkSync(this.path(from, digest), this.path(to, digest))
  }

  removeBlob(name: string, digest: string): void {
    rmSync(this.path(name, digest), { force: true })
  }

  tag(name: string, tag: string, digest: string): void {
    this.repository(name)
    this.#tags.get(name)?.set(tag, digest)
    this.#writeIndex(name)
  }

  /** An entry of the index that no tag names. */
  untagged(name: string, digest: string): void {
    this.repository(name)
    const known = this.#untagged.get(name) ?? []
    this.#untagged.set(name, [...known, digest])
    this.#writeIndex(name)
  }

  untag(name: string, tag: string): void {
    this.repository(name)
    this.#tags.get(name)?.delete(tag)
    this.#writeIndex(name)
  }

  removeRepository(name: string): void {
    this.#tags.delete(name)
    for (const part of ['index.json', 'oci-layout', 'blobs'])
      rmSync(join(this.root, name, part), { recursive: true, force: true })
  }

  path(name: string, digest: string): string {
    return join(this.root, name, 'blobs', ...digest.split(':'))
  }

  #writeIndex(name: string): void {
    const manifests = [...(this.#tags.get(name) ?? [])].map(([tag, digest]) => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest,
      size: 2,
      annotations: { [refName]: tag },
    }))
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const loose = (this.#untagged.get(name) ?? []).map(digest => ({ mediaType, digest, size: 2 }))
    const listed = [...manifests, ...loose]
    const all = { schemaVersion: 2, manifests: listed.length === 0 ? null : listed }
    writeFileSync(join(this.root, name, 'index.json'), JSON.stringify(all))
  }
}
