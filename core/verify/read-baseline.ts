import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { inParallel } from '../platform/tasks.ts'
import type { StoreDeps } from './inventory.ts'
import { manifestTypes, type SendRegistryRequest } from './pull-checks.ts'
import { readRepository, walkStore } from './read-store.ts'

const repository = v.object({
  name: v.string(),
  /** Of a manifest in it: asked for by digest, as a request for a tag may lead to an upstream. */
  digest: v.string(),
  /** Who could read it: everybody, or only Zotbar with its own account. */
  by: v.picklist(['anyone', 'account']),
})
type ReadableRepository = v.InferOutput<typeof repository>

/** What the registry let be read over HTTP before a change: at most `maxAsked` repositories, spread over all of them. */
export const readBaseline = v.object({
  repositories: v.array(repository),
  /** The path of the metrics, where they are answered without a credential. */
  metrics: v.exactOptional(v.string()),
  /** SHA-256 of config.json, hexadecimal. */
  config: v.exactOptional(v.string()),
})
export type ReadBaseline = v.InferOutput<typeof readBaseline>

const maxAsked = 200
const maxMetricsBytes = 64 * 1024 * 1024

export interface ReadDeps extends StoreDeps {
  configFile: string
  ask: SendRegistryRequest
  /** Where config.json has the metrics answered, such as "/metrics"; undefined for nowhere. */
  metricsPath(): Promise<string | undefined>
}

/** Asks while what is to be replaced still serves. Where it does not serve nothing could be read. Never throws. */
export async function takeReadBaseline(deps: ReadDeps, signal: AbortSignal): Promise<ReadBaseline> {
  const { ask, configFile, metricsPath } = deps
  const candidates = await findCandidates(deps).catch(() => [])
  const asked = await inParallel(candidates, async ({ name, digest }) => {
    if (signal.aborted) return []
    const by = await whoReads(name, digest, ask)
    return by === undefined ? [] : [{ name, digest, by }]
  })
  const metrics = await metricsPath()
  const hasMetrics = metrics !== undefined && (await metricsStatus(metrics, ask)) === 200
  const config = await configHash(configFile)
  return {
    repositories: asked.flat(),
    ...(hasMetrics ? { metrics } : {}),
    ...(config === undefined ? {} : { config }),
  }
}

/** A manifest with a tag in each of the repositories to ask for. */
async function findCandidates({
  roots,
  layout,
  known,
}: StoreDeps): Promise<{ name: string; digest: string }[]> {
  const { serves } = await layout()
  const all: { root: string; name: string }[] = []
  for (const root of (await roots()) ?? [])
    for (const name of (await walkStore(root)).names) if (serves(root, name)) all.push({ root, name })
  const every = Math.ceil(all.length / maxAsked)
  const chosen = all.filter((_, at) => at % every === 0)
  const read = await inParallel(chosen, one => readRepository({ ...one, known }, true))
  return read.flatMap(one => {
    if (one.kind === 'unreadable') return []
    const digest = [...one.tags.values()].find(tagged => one.manifests.has(tagged))
    return digest === undefined ? [] : [{ name: one.name, digest }]
  })
}

async function whoReads(
  name: string,
  digest: string,
  ask: SendRegistryRequest,
): Promise<ReadableRepository['by'] | undefined> {
  for (const by of ['anyone', 'account'] as const) {
    const answer = await askFor({ name, digest, by }, ask)
    if (answer.status === 200) return by
  }
  return undefined
}

/** The status of a request for the manifest; 0 where none came, undefined where Zotbar has no account to ask with. */
export async function askFor(
  { name, digest, by }: ReadableRepository,
  ask: SendRegistryRequest,
): Promise<{ status: number | undefined }> {
  const answer = await ask(`/v2/${name}/manifests/${digest}`, {
    method: 'HEAD',
    accept: manifestTypes,
    ...(by === 'anyone' ? { anonymous: true } : { onlyKnown: true }),
  })
  if (answer.ok) return { status: answer.value.status }
  return { status: answer.error.code === 'registry-denied' ? undefined : 0 }
}

/** What metrics are answered with to somebody without a credential; 0 where no answer came. */
export async function metricsStatus(path: string, ask: SendRegistryRequest): Promise<number> {
  const answer = await ask(path, { anonymous: true, maxBytes: maxMetricsBytes })
  return answer.ok ? answer.value.status : 0
}

/** Undefined where it cannot be read. */
export async function configHash(configFile: string): Promise<string | undefined> {
  const text = await readFile(configFile).catch(() => undefined)
  return text && textHash(text)
}

export const textHash = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
