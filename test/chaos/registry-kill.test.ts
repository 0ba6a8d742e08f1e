import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { pushBlob, putManifest } from '../integration/registry/client.ts'
import {
  ask,
  type Registry,
  startRegistry,
  temporaryFolder,
} from '../integration/registry/registry-process.ts'
import { config, digestText, imageOf } from '../suites/image.ts'

/** How long the whole takes at least, ms; more finds more. */
const duration = process.env['ZOTBAR_CHAOS'] === '1' ? 30_000 : 6_000
/** A busy machine takes longer for as many. */
const minKills = 4
const writers = 4

const folder = temporaryFolder()
afterAll(() => folder.dispose())

interface Acknowledged {
  repository: string
  tag: string
  digest: string
  layer: string
}

/** Pushes image after image until the registry goes away; tells what was acknowledged. */
async function pushUntilGone(registry: Registry, writer: number, round: number): Promise<Acknowledged[]> {
  const done: Acknowledged[] = []
  const target = { ask: registry.ask }
  try {
    for (let number = 0; ; number++) {
      // Writers share a repository, so that index updates meet.
      const repository = `chaos/r${(writer + number) % 2}`
      const tag = `w${writer}-${round}-${number}`
      const layer = randomBytes(20_000 + Math.floor(Math.random() * 2_000_000))
      const image = imageOf([layer], { annotations: { tag } })
      if ((await pushBlob(target, repository, config)) !== 201) return done
      if ((await pushBlob(target, repository, layer)) !== 201) return done
      const moved = await putManifest(target, repository, `shared-${writer}`, image)
      const stored = await putManifest(target, repository, tag, image)
      if (moved.status !== 201 || stored.status !== 201) return done
      done.push({ repository, tag, digest: image.digest, layer: digestText(layer) })
    }
  } catch {
    return done
  }
}

it('kill -9 during pushes: what was acknowledged is whole, what is there matches its digest', async () => {
  const root = join(folder.path, 'root')
  const acknowledged: Acknowledged[] = []
  const end = Date.now() + duration
  let kills = 0
  // On a busy machine a kill may come before the first image of its round.
  for (let round = 0; Date.now() < end || kills < minKills || acknowledged.length <= kills; round++) {
    const registry = await startRegistry(root)
    for (const one of acknowledged.slice(-20)) {
      const found = await registry.ask(`/v2/${one.repository}/manifests/${one.tag}`)
      expect([one.tag, found.status, found.headers['docker-content-digest']]).toEqual([
        one.tag,
        200,
        one.digest,
      ])
    }
    const pushing = Array.from({ length: writers }, (_, writer) => pushUntilGone(registry, writer, round))
    setTimeout(() => registry.signal('SIGKILL'), 50 + Math.random() * 700)
    acknowledged.push(...(await Promise.all(pushing)).flat())
    await registry.ended
    kills++
    checkStore(root)
  }
  expect(kills).toBeGreaterThanOrEqual(minKills)
  expect(acknowledged.length).toBeGreaterThan(kills)

  const registry = await startRegistry(root)
  for (const { repository, tag, digest, layer } of acknowledged) {
    const manifest = await ask(registry.port, `/v2/${repository}/manifests/${tag}`)
    expect([tag, manifest.status, digestText(manifest.body)]).toEqual([tag, 200, digest])
    const blob = await ask(registry.port, `/v2/${repository}/blobs/${layer}`)
    expect([layer, blob.status]).toEqual([layer, 200])
  }
  expect((await registry.stop()).code).toBe(0)
})

/** Every blob is what its name says; every index can be read and names only manifests that are there. */
function checkStore(root: string): void {
  for (const name of ['chaos/r0', 'chaos/r1']) {
    const blobs = join(root, name, 'blobs/sha256')
    const names = listing(blobs)
    for (const hex of names) {
      // Checked before and not changed since: reading it again would only cost time.
      const key = `${join(blobs, hex)}:${statSync(join(blobs, hex)).mtimeMs}`
      if (checked.has(key)) continue
      expect(
        createHash('sha256')
          .update(readFileSync(join(blobs, hex)))
          .digest('hex'),
      ).toBe(hex)
      checked.add(key)
    }
    const index = listing(join(root, name)).includes('index.json')
    if (!index) continue
    const { manifests } = JSON.parse(readFileSync(join(root, name, 'index.json'), 'utf8'))
    for (const { digest } of manifests) expect(names).toContain(digest.slice(7))
  }
}

const checked = new Set<string>()

function listing(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
