import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { storeContent } from './store-content.ts'

/**
 * Writes the same store in docker-registry's layout: every blob once for all, and a link to it in each
 * repository that has it.
 * https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
export function writePeerStore(folder: string, blobs: number): void {
  const root = join(folder, 'docker', 'registry', 'v2')
  const put = (path: string, file: string, text: string): void => {
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, file), text)
  }
  for (const { name, images } of storeContent(blobs)) {
    const repository = join(root, 'repositories', name)
    const link = (digest: string, ...path: string[]): void => put(join(repository, ...path), 'link', digest)
    for (const { tag, manifest, blobs } of images) {
      for (const { digest, text } of [manifest, ...blobs]) {
        const hex = hexOf(digest)
        put(join(root, 'blobs', 'sha256', hex.slice(0, 2), hex), 'data', text)
      }
      for (const { digest } of blobs) link(digest, '_layers', 'sha256', hexOf(digest))
      const { digest } = manifest
      link(digest, '_manifests', 'revisions', 'sha256', hexOf(digest))
      link(digest, '_manifests', 'tags', tag, 'current')
      link(digest, '_manifests', 'tags', tag, 'index', 'sha256', hexOf(digest))
    }
    mkdirSync(join(repository, '_uploads'), { recursive: true })
  }
}

const hexOf = (digest: string): string => digest.slice('sha256:'.length)
