import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { descriptorOf, sizesOf, storeContent } from './store-content.ts'

/** What was written. */
export interface Written {
  blobs: number
  repositories: number
  tags: number
}

export const blobFile = (repository: string, digest: string): string =>
  join(repository, 'blobs', 'sha256', digest.slice('sha256:'.length))

/**
 * Writes a store of `blobs` small blobs in zot's layout, ten tags a repository. Far quicker than pushing.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export function writeStore(folder: string, blobs: number): Written {
  for (const { name, images } of storeContent(blobs)) {
    const repository = join(folder, name)
    mkdirSync(join(repository, 'blobs', 'sha256'), { recursive: true, mode: 0o700 })
    for (const { manifest, blobs } of images)
      for (const { digest, text } of [manifest, ...blobs])
        writeFileSync(blobFile(repository, digest), text, { mode: 0o600 })
    const manifests = images.map(({ tag, manifest }) => ({
      ...descriptorOf(manifest),
      annotations: { 'org.opencontainers.image.ref.name': tag },
    }))
    writeFileSync(join(repository, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { mode: 0o600 })
    const index = JSON.stringify({ schemaVersion: 2, manifests })
    writeFileSync(join(repository, 'index.json'), index, { mode: 0o600 })
  }
  return sizesOf(blobs)
}
