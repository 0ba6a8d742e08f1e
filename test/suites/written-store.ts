import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { config, digestText, type Made } from './image.ts'

/** Writes a blob of a repository below the data folder `root`. */
export async function writeBlob(root: string, name: string, bytes: Buffer | string): Promise<void> {
  const [algorithm = '', hex = ''] = digestText(bytes).split(':')
  const folder = join(root, name, 'blobs', algorithm)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, hex), bytes)
}

/** Writes a repository: tags as pairs, since one may be called `__proto__`; what has no tag has an empty one. */
export async function writeRepository(
  root: string,
  name: string,
  tags: [string, Made][],
  alsoStored: Made[] = [],
): Promise<void> {
  await mkdir(join(root, name), { recursive: true })
  await writeFile(join(root, name, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const manifests = tags.map(([tag, { digest, mediaType }]) => ({
    mediaType,
    digest,
    ...(tag === '' ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } }),
  }))
  await writeFile(join(root, name, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  for (const { bytes } of [...tags.map(([, made]) => made), ...alsoStored]) await writeBlob(root, name, bytes)
  await writeBlob(root, name, config)
}
