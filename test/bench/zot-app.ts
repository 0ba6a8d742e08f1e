import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Behaviour, makeZot } from '../fakes/zot/build-zot.ts'
import { type App, startApp } from './app.ts'
import { manifestType } from './client.ts'
import type { AppFiles, Bench } from './figure.ts'
import { repositoryName } from './image-store.ts'
import { askText } from './poll.ts'
import { populated, populatedSizes } from './populated.ts'
import { type Ran, run } from './program.ts'
import { storeContent } from './store-content.ts'

/** The app with a program that behaves as zot, on the populated store. */
export interface ZotApp {
  app: App
  /** The version that runs. */
  version(): string
  /** Upgrades to a program of this behaviour and of the next version. */
  upgradeTo(behaviour: Behaviour): Promise<{ result: string; error?: string }>
  /** A file of the next version, for a server of releases. */
  next(behaviour: Behaviour): { file: string; version: string }
  zotbar(...words: string[]): Promise<Ran>
  /** The last run's journal: when a line of this kind was first written, in ms since the epoch. */
  journalAt(kind: 'applying' | 'failed', step?: string): number
}

/** Settings as settings.json has them. */
export async function startZotApp(
  bench: Bench,
  files: AppFiles,
  settings: Record<string, unknown>,
): Promise<ZotApp> {
  const { work } = bench
  const store = await populated(bench, { layout: 'zot' })
  const folder = await work.sub('upgrade')
  let patch = 13
  let running = `v2.1.${patch}`
  const first = makeZot(join(folder, 'bin', 'zot'), 'good', running)
  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o700 })
  const all = { engine: 'zot', 'engine.path': first, 'releases.check': false, ...settings }
  await writeFile(join(home, 'settings.json'), JSON.stringify(all), { mode: 0o600 })
  const app = await startApp(work, files, folder, [], {}, { data: join(store, 'data') })
  const zotbar = (...words: string[]) =>
    run(process.execPath, [files.cli, ...words], { env: app.environment })

  function next(behaviour: Behaviour): { file: string; version: string } {
    const version = `v2.1.${++patch}`
    return { file: makeZot(join(folder, 'made', version), behaviour, version), version }
  }
  return {
    app,
    version: () => running,
    next,
    zotbar,
    async upgradeTo(behaviour) {
      const { file, version } = next(behaviour)
      const { stdout } = await zotbar('upgrade', '--from', file, '--yes', '--json')
      await rm(file)
      const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as {
        result?: string
        error?: { code: string }
      }
      if (last.result === 'done') running = version
      return { result: last.result ?? 'nothing', ...(last.error ? { error: last.error.code } : {}) }
    },
    journalAt(kind, step) {
      const runbooks = join(home, 'runbooks')
      const newest =
        readdirSync(runbooks)
          .filter(name => name.includes('-upgrade-'))
          .sort()
          .at(-1) ?? ''
      const lines = readFileSync(join(runbooks, newest), 'utf8').trim().split('\n')
      const entries = lines.map(line => JSON.parse(line) as { kind: string; at: number; step?: string })
      const found = entries.find(entry => entry.kind === kind && (step === undefined || entry.step === step))
      if (!found) throw new Error(`the journal has no ${kind} ${step ?? ''}`)
      return found.at
    },
  }
}

/** The path of a manifest of the populated store, by its digest. */
export function manifestByDigest(bench: Pick<Bench, 'quick'>): string {
  const [first] = storeContent(populatedSizes(bench).blobs)
  return `/v2/${repositoryName(0)}/manifests/${first?.images[0]?.manifest.digest}`
}

/** Whether `probe` is answered with 200, and a manifest by its digest too. */
export async function serves(url: string, probe: string, manifest: string): Promise<boolean> {
  const asked = [askText(url + probe), askText(url + manifest, { accept: manifestType })]
  return (await Promise.all(asked)).every(answer => answer?.status === 200)
}

/** The same, of this version. */
export async function servesVersion(url: string, version: string, manifest: string): Promise<boolean> {
  const asked = [
    askText(`${url}/v2/_zot/ext/mgmt`),
    askText(url + manifest, { accept: manifestType }),
  ] as const
  const [told, pulled] = await Promise.all(asked)
  return pulled?.status === 200 && told?.status === 200 && told.text.includes(`"${version}"`)
}
