import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, imageManifest, manifestType } from './client.ts'
import { repositoryName } from './image-store.ts'

/** One image has a manifest, a config and eight layers. */
const blobsPerImage = 10

/** What was written. `bytes` is the sum of all files. */
export interface Written {
  blobs: number
  repositories: number
  tags: number
}

/**
 * Writes a store of `blobs` small blobs in zot's layout, ten tags a repository. Far quicker than pushing:
 * for what reads the disk only. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export function writeStore(folder: string, blobs: number): Written {
  const tags = 10
  const repositories = Math.ceil(blobs / blobsPerImage / tags)
  for (let number = 0; number < repositories; number++) {
    const name = repositoryName(number)
    const repository = join(folder, name)
    const blobFolder = join(repository, 'blobs', 'sha256')
    mkdirSync(blobFolder, { recursive: true, mode: 0o700 })
    const put = (text: string, mediaType: string) => {
      const digest = digestOf(text)
      writeFileSync(join(blobFolder, digest.slice('sha256:'.length)), text, { mode: 0o600 })
      return { mediaType, digest, size: Buffer.byteLength(text) }
    }
    const manifests = Array.from({ length: tags }, (_, tag) => {
      const mark = `${name}:t${tag}`
      const config = put(JSON.stringify({ architecture: 'amd64', os: 'linux', author: mark }), '')
      const layers = Array.from({ length: blobsPerImage - 2 }, (_, layer) =>
        put(`${mark} layer ${layer}\n`.repeat(20), 'application/vnd.oci.image.layer.v1.tar'),
      )
      const annotations = { 'org.opencontainers.image.ref.name': `t${tag}` }
      return { ...put(imageManifest(config, layers, mark), manifestType), annotations }
    })
    writeFileSync(join(repository, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { mode: 0o600 })
    const index = JSON.stringify({ schemaVersion: 2, manifests })
    writeFileSync(join(repository, 'index.json'), index, { mode: 0o600 })
  }
  return { blobs: repositories * tags * blobsPerImage, repositories, tags: repositories * tags }
}
