import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { eventually } from '../fakes/eventually.ts'
import { pushImage } from '../integration/registry/client.ts'
import { type Registry, startRegistry, temporaryFolder } from '../integration/registry/registry-process.ts'
import { isThorough } from './samples.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())

const gc = { gc: true, gcDelay: '1ms', gcInterval: '1ms' }
const names = ['k/a', 'k/b', 'k/b/nested']

/** Pushes and deletes the only image of each repository until the registry is gone; what stays is in `acknowledged`. */
async function pushUntilGone(
  registry: Registry,
  name: string,
  acknowledged: Map<string, string>,
): Promise<void> {
  try {
    for (let at = 0; ; at++) {
      acknowledged.delete(name)
      // Refused where a blob that nothing names yet was collected: there is no delay here.
      const image = await pushImage(registry, name, 'v1', `layer ${at % 3}`).catch(() => undefined)
      if (!image) {
        await registry.ask('/v2/')
        continue
      }
      acknowledged.set(name, image.digest)
      // Collection runs on a clock of its own: waits of any length let it come at any point of a push and a delete.
      await new Promise(resolve => setTimeout(resolve, Math.random() * 100))
      acknowledged.delete(name)
      await registry.ask(`/v2/${name}/manifests/${image.digest}`, { method: 'DELETE' })
      await new Promise(resolve => setTimeout(resolve, Math.random() * 100))
    }
  } catch {
    // It is gone.
  }
}

it('kill -9 while emptied repositories are removed: the store is whole, and what was acknowledged is served', async () => {
  const root = join(folder.path, 'root')
  let removals = 0
  for (let kill = 0; kill < (isThorough ? 20 : 3); kill++) {
    const registry = await startRegistry(root, { storage: { rootDirectory: root, ...gc } })
    const acknowledged = new Map<string, string>()
    const pushing = Promise.all(names.map(name => pushUntilGone(registry, name, acknowledged)))
    setTimeout(() => registry.signal('SIGKILL'), 700 + Math.random() * 500)
    await registry.ended
    await pushing
    removals += registry.log().filter(({ message }) => message === 'removed all blobs, removing repo').length
    const again = await startRegistry(root, { storage: { rootDirectory: root, gc: false } })
    const { repositories } = JSON.parse((await again.ask('/v2/_catalog')).body.toString())
    for (const [name, digest] of acknowledged)
      expect([name, (await again.ask(`/v2/${name}/manifests/${digest}`)).status]).toEqual([name, 200])
    expect(repositories).toEqual(expect.arrayContaining([...acknowledged.keys()]))
    const damaged = again.log().filter(({ message }) => message === 'a repository cannot be served')
    expect(damaged).toEqual([])
    expect((await again.stop()).code).toBe(0)
    // zot takes a folder for a repository where all three are.
    for (const name of acknowledged.keys())
      expect(readdirSync(join(root, name))).toEqual(
        expect.arrayContaining(['blobs', 'index.json', 'oci-layout']),
      )
  }
  expect(removals).toBeGreaterThan(0)
  const last = await startRegistry(root, { storage: { rootDirectory: root, ...gc } })
  // What the kill left half removed, or half pushed, goes as well.
  await eventually(async () => {
    const { repositories } = JSON.parse((await last.ask('/v2/_catalog')).body.toString())
    for (const name of repositories) {
      const found = await last.ask(`/v2/${name}/manifests/v1`)
      if (found.status !== 200) return false
    }
    return true
  }, 20_000)
  expect((await last.stop()).code).toBe(0)
})
