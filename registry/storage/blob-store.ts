import type { Stats } from 'node:fs'
import { constants, copyFile, type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises'
import { syncFile, syncFolder } from '../../lib/sync-file.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Digest } from '../oci/reference.ts'
import type { BlobHolders } from './blob-holders.ts'
import { makeFolderBelow, touch } from './durable.ts'
import { errnoOf, failureOf, guarded, isMissing } from './errno.ts'
import { layout } from './layout.ts'
import type { ManifestStore } from './manifest-store.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { BlobReader, Blobs } from './storage.ts'

/** File systems that cannot link answer with one of these. */
const cannotLink = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

export class BlobStore implements Blobs {
  readonly #root: string
  readonly #repositories: RepositoryCache
  readonly #manifests: ManifestStore
  readonly #holders: BlobHolders

  constructor(root: string, repositories: RepositoryCache, manifests: ManifestStore, holders: BlobHolders) {
    this.#root = root
    this.#repositories = repositories
    this.#manifests = manifests
    this.#holders = holders
  }

  async stat(name: string, digest: Digest): Promise<Result<number>> {
    const { leases } = this.#repositories.get(name)
    const release = leases.pin([digest.text])
    try {
      await leases.settled([digest.text])
      const found = await this.#look(name, digest)
      // A client that gets this answer may rely on it, so garbage collection must take it for new.
      if (found.ok) await touch(layout.blob(this.#root, name, digest), found.value.mtimeMs)
      return found.ok ? success(found.value.size) : found
    } finally {
      release()
    }
  }

  async #look(name: string, digest: Digest): Promise<Result<Stats>> {
    try {
      const found = await stat(layout.blob(this.#root, name, digest))
      return found.isFile() ? success(found) : unknown(digest)
    } catch (error) {
      return isMissing(error) ? unknown(digest) : failureOf(error)
    }
  }

  async open(name: string, digest: Digest): Promise<Result<BlobReader>> {
    let handle: FileHandle | undefined
    try {
      handle = await open(layout.blob(this.#root, name, digest), 'r')
      const found = await handle.stat()
      if (found.isFile()) return success(new FileReader(handle, found.size))
      await handle.close()
      return unknown(digest)
    } catch (error) {
      await handle?.close()
      return isMissing(error) ? unknown(digest) : failureOf(error)
    }
  }

  async delete(name: string, digest: Digest): Promise<Result<void>> {
    const repository = this.#repositories.get(name)
    return await repository.leases.removing(digest.text, () =>
      guarded(async () => {
        // A request that pinned it before may rely on it already; one that pins it now waits for the end of this removal.
        if (repository.leases.isPinned(digest.text)) return failure('blob-referenced')
        const existing = await this.#look(name, digest)
        if (!existing.ok) return existing
        const loaded = await repository.load()
        if (loaded.ok) {
          if (loaded.value.digests.has(digest.text)) return failure('blob-referenced', { by: digest.text })
          const user = await this.#manifests.findUser(name, loaded.value, digest, 'all')
          if (!user.ok) return user
          if (user.value !== undefined) return failure('blob-referenced', { by: user.value })
        } else if (loaded.error.name !== 'name-unknown') return loaded
        await rm(layout.blob(this.#root, name, digest))
        await syncFolder(layout.blobs(this.#root, name, digest.algorithm))
        return success(undefined)
      }),
    )
  }

  async find(
    _to: string,
    digest: Digest,
    accepts: (name: string) => boolean,
    effort: 'search' | 'known' = 'search',
  ): Promise<Result<string | undefined>> {
    return await guarded(async () => success(await this.#holders.find(digest, accepts, effort)))
  }

  async mount(from: string, to: string, digest: Digest): Promise<Result<void>> {
    const source = this.#repositories.get(from).leases
    const target = this.#repositories.get(to).leases
    const releases = [source.pin([digest.text]), target.pin([digest.text])]
    try {
      await source.settled([digest.text])
      await target.settled([digest.text])
      return await guarded(() => this.#link(from, to, digest))
    } finally {
      for (const release of releases) release()
    }
  }

  async #link(from: string, to: string, digest: Digest): Promise<Result<void>> {
    const source = layout.blob(this.#root, from, digest)
    const target = layout.blob(this.#root, to, digest)
    if (!(await this.#look(from, digest)).ok) return unknown(digest)
    const repository = this.#repositories.get(to)
    await syncFile(source, { dataOnly: true })
    await repository.begin()
    await repository.makeFolder(layout.blobs(this.#root, to, digest.algorithm))
    try {
      await link(source, target)
    } catch (error) {
      const errno = errnoOf(error) ?? ''
      if (cannotLink.includes(errno))
        await this.#copy(source, target, layout.uploads(this.#root, to), repository.staging())
      else if (errno === 'EEXIST') await syncFile(target, { dataOnly: true })
      else throw error
    }
    await touch(target)
    await syncFolder(layout.blobs(this.#root, to, digest.algorithm))
    return success(undefined)
  }

  async #copy(source: string, target: string, folder: string, staging: string): Promise<void> {
    await makeFolderBelow(this.#root, folder)
    try {
      await copyFile(source, staging, constants.COPYFILE_FICLONE)
      await syncFile(staging, { dataOnly: true })
      await rename(staging, target)
    } catch (error) {
      await rm(staging, { force: true })
      throw error
    }
  }
}

class FileReader implements BlobReader {
  readonly size: number
  readonly #handle: FileHandle

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle
    this.size = size
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.length, position)).bytesRead
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

const unknown = (digest: Digest): Result<never> => failure('blob-unknown', { digest: digest.text })
