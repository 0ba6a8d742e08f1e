import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Bench } from './figure.ts'
import { manifestPaths } from './image-store.ts'
import { writeStore } from './layout-store.ts'
import { writePeerStore } from './peer-store.ts'
import type { Side } from './side.ts'
import { sizesOf, tagsPerRepository } from './store-content.ts'
import type { Workspace } from './workspace.ts'

/** Made once for all figures of a run. */
const made = new WeakMap<Workspace, Map<string, Promise<string>>>()

function once(work: Workspace, name: string, make: () => Promise<string>): Promise<string> {
  const known = made.get(work) ?? new Map<string, Promise<string>>()
  made.set(work, known)
  const there = known.get(name) ?? make()
  known.set(name, there)
  return there
}

/** How big the populated store is. */
export const populatedSizes = ({ quick }: Pick<Bench, 'quick'>): ReturnType<typeof sizesOf> =>
  sizesOf(quick ? 10_000 : 100_000)

/** For the notes. */
export function populatedNote(bench: Pick<Bench, 'quick'>): string {
  const { repositories, tags, blobs } = populatedSizes(bench)
  const count = (number: number): string => number.toLocaleString('en')
  return `${count(repositories)} repositories, ${count(tags)} tags, ${count(blobs)} blobs, written to disk in each one's own layout`
}

/** A folder for `Side.start` whose data is the populated store in that side's layout. */
export function populated({ work, quick, say }: Bench, { layout }: Pick<Side, 'layout'>): Promise<string> {
  return once(work, layout, async () => {
    const folder = await work.sub(`populated-${layout}`)
    const started = performance.now()
    const { blobs } = populatedSizes({ quick })
    const write = layout === 'zot' ? writeStore : writePeerStore
    write(join(folder, 'data'), blobs)
    const seconds = (performance.now() - started) / 1000
    say(`populated store: ${blobs.toLocaleString('en')} blobs in ${layout} layout in ${seconds.toFixed(1)} s`)
    return folder
  })
}

/** The path of every tag's manifest in it. */
export const populatedPaths = (bench: Pick<Bench, 'quick'>): string[] =>
  manifestPaths({ repositories: populatedSizes(bench).repositories, tags: tagsPerRepository })

/** A file with one path per line, for wrk. */
export async function pathFile({ work }: Pick<Bench, 'work'>, paths: readonly string[]): Promise<string> {
  const file = join(await work.sub('walk'), 'paths')
  await writeFile(file, paths.join('\n'))
  return file
}
