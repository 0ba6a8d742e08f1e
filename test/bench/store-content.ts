import { type Descriptor, digestOf, imageManifest } from './client.ts'
import { repositoryName } from './image-store.ts'

/** One image has a manifest, a config and eight layers. */
const blobsPerImage = 10
export const tagsPerRepository = 10

/** A blob to be written, with what names it. */
interface Content extends Descriptor {
  text: string
}

export interface Image {
  tag: string
  manifest: Content
  /** Config and layers. */
  blobs: Content[]
}

/** How many there are in a store with so many blobs. */
export function sizesOf(blobs: number): { blobs: number; repositories: number; tags: number } {
  const repositories = Math.ceil(blobs / blobsPerImage / tagsPerRepository)
  const tags = repositories * tagsPerRepository
  return { blobs: tags * blobsPerImage, repositories, tags }
}

/** The images of a store, a repository at a time: the same whoever writes it. No blob occurs twice. */
export function* storeContent(blobs: number): Generator<{ name: string; images: Image[] }> {
  for (let number = 0; number < sizesOf(blobs).repositories; number++) {
    const name = repositoryName(number)
    const images = Array.from({ length: tagsPerRepository }, (_, tag) =>
      imageOf(`${name}:t${tag}`, `t${tag}`),
    )
    yield { name, images }
  }
}

function imageOf(mark: string, tag: string): Image {
  const config = contentOf(JSON.stringify({ architecture: 'amd64', os: 'linux', author: mark }), '')
  const layers = Array.from({ length: blobsPerImage - 2 }, (_, layer) =>
    contentOf(`${mark} layer ${layer}\n`.repeat(20), 'application/vnd.oci.image.layer.v1.tar'),
  )
  const text = imageManifest(
    descriptorOf(config),
    layers.map(layer => descriptorOf(layer)),
    mark,
  )
  const manifest = contentOf(text, 'application/vnd.oci.image.manifest.v1+json')
  return { tag, manifest, blobs: [config, ...layers] }
}

const contentOf = (text: string, mediaType: string): Content => ({
  mediaType,
  digest: digestOf(text),
  size: Buffer.byteLength(text),
  text,
})

export const descriptorOf = ({ mediaType, digest, size }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
})
