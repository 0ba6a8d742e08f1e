import { createClient, imageManifest } from './client.ts'
import { inParallel } from './rounds.ts'

/** Repositories named bench/r0000 and on, each with the tags t0 and on. */
export interface StoreShape {
  repositories: number
  tags: number
}

export const repositoryName = (number: number): string => `bench/r${String(number).padStart(4, '0')}`

/** The path of every tag's manifest, ordered so that two that follow each other are of different repositories. */
export function manifestPaths({ repositories, tags }: StoreShape): string[] {
  return Array.from({ length: tags }, (_, tag) =>
    Array.from({ length: repositories }, (_, repository) => {
      return `/v2/${repositoryName(repository)}/manifests/t${tag}`
    }),
  ).flat()
}

/**
 * Pushes the store over HTTP, as a client would: a config and a layer in each repository (linked from the
 * first), and a manifest of its own for each tag.
 */
export async function pushStore(url: string, shape: StoreShape): Promise<void> {
  const client = createClient(url)
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
  )
  const layer = Buffer.alloc(4096, 'zotbar')
  try {
    const first = repositoryName(0)
    const blobs = [await client.blob(first, config), await client.blob(first, layer)] as const
    const numbers = Array.from({ length: shape.repositories }, (_, number) => number)
    await inParallel(numbers, 8, async number => {
      const name = repositoryName(number)
      if (number > 0) {
        await client.mount(name, first, config)
        await client.mount(name, first, layer)
      }
      for (let tag = 0; tag < shape.tags; tag++)
        await client.manifest(name, `t${tag}`, imageManifest(blobs[0], [blobs[1]], `${name}:t${tag}`))
    })
  } finally {
    await client.close()
  }
}
