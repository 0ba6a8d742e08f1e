import { Readable } from 'node:stream'
import { parseReference, type Reference } from '../../registry/oci/reference.ts'
import type { Storage } from '../../registry/storage/storage.ts'
import { config, digestOf, imageOf, type Made } from './image.ts'

export const ref = (text: string): Reference => {
  const parsed = parseReference(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** Stores a blob as a client would. */
export async function upload(storage: Storage, repo: string, bytes: Buffer | string): Promise<void> {
  const id = await storage.uploads.start(repo)
  if (!id.ok) throw new Error(id.error.name)
  await storage.uploads.write(repo, id.value, { body: Readable.from([Buffer.from(bytes)]) })
  const done = await storage.uploads.commit(repo, id.value, digestOf(bytes))
  if (!done.ok) throw new Error(done.error.name)
}

export async function put(storage: Storage, repo: string, reference: string, image: Made): Promise<void> {
  const done = await storage.manifests.put(repo, ref(reference), image.mediaType, image.bytes)
  if (!done.ok) throw new Error(done.error.name)
}

/** Stores an image of one layer under a tag, or by its digest. */
export async function push(
  storage: Storage,
  repo: string,
  tag: string | undefined,
  layer: string,
  extra: object = {},
): Promise<Made> {
  await upload(storage, repo, config)
  await upload(storage, repo, layer)
  const image = imageOf([layer], extra)
  await put(storage, repo, tag ?? image.digest, image)
  return image
}
