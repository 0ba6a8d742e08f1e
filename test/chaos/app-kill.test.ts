import { createHash, randomBytes, randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AppProcess, type AppRig, createAppRig, targetAt } from '../integration/app/app-rig.ts'
import { pushImage, type Target } from '../integration/registry/client.ts'
import { sampleOf } from './samples.ts'

/** Each kind once in npm test, in whatever order. */
const victims = ['registry', 'both', 'registry', 'app', 'registry', 'app', 'both', 'both'] as const
/** Between two pushes, ms: what is pushed is read twice. */
const pushPauseMs = 10

let rig: AppRig
afterEach(() => rig.end())

/** What a push was answered with, and what a pull must therefore find. */
interface Acknowledged {
  name: string
  tag: string
  digest: string
}

describe('kill -9 at random moments during pushes', () => {
  it('of the registry, the app, or both: every acknowledged push is whole', {
    timeout: 120_000,
  }, async () => {
    rig = await createAppRig()
    let app: AppProcess = await rig.serving()
    const target = targetAt(rig.url)
    const acknowledged: Acknowledged[] = []
    let failed = 0
    let ended = false
    const pusher = async (who: number): Promise<void> => {
      for (let n = 0; !ended; n += 1) {
        const name = `team/app-${who}`
        const tag = `t${n}`
        try {
          const { digest } = await pushImage(target, name, tag, randomBytes(randomInt(1_000, 400_000)))
          acknowledged.push({ name, tag, digest })
          await new Promise(done => setTimeout(done, pushPauseMs))
        } catch {
          failed += 1
          await new Promise(done => setTimeout(done, 20))
        }
      }
    }
    const pushing = [0, 1, 2].map(pusher)
    const kills = { registry: 0, app: 0, both: 0 }
    const killed = sampleOf(victims)
    for (const victim of killed) {
      await new Promise(done => setTimeout(done, randomInt(200, 900)))
      const pid = (await rig.status()).registry?.pid
      if (victim !== 'registry') {
        app.kill('SIGKILL')
        await app.exited
      }
      if (victim !== 'app' && pid !== undefined) process.kill(pid, 'SIGKILL')
      if (victim !== 'registry') app = rig.start()
      await app.reach('serving', victim === 'registry' ? app.lines.length - 1 : 0)
      kills[victim] += 1
    }
    ended = true
    await Promise.all(pushing)
    expect(Object.values(kills).every(count => count > 0)).toBe(true)
    expect(failed).toBeGreaterThan(0)
    expect(acknowledged.length).toBeGreaterThan(20)

    expect(await missing(target, acknowledged)).toEqual([])
    expect(corruptBlobs(rig.data)).toEqual([])
    // Once more from the disk alone.
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect(await missing(target, acknowledged)).toEqual([])
  })
})

/** Acknowledged pushes whose manifest, or any blob of it, does not come back whole. */
async function missing(target: Target, acknowledged: Acknowledged[]): Promise<string[]> {
  const lost: string[] = []
  const check = async ({ name, tag, digest }: Acknowledged): Promise<void> => {
    const manifest = await target.ask(`/v2/${name}/manifests/${tag}`)
    if (manifest.status !== 200 || sha256(manifest.body) !== digest) {
      lost.push(`${name}:${tag}`)
      return
    }
    const { config, layers } = JSON.parse(String(manifest.body)) as {
      config: { digest: string }
      layers: { digest: string }[]
    }
    for (const part of [config, ...layers]) {
      const blob = await target.ask(`/v2/${name}/blobs/${part.digest}`)
      if (blob.status !== 200 || sha256(blob.body) !== part.digest) lost.push(`${name}:${tag} ${part.digest}`)
    }
  }
  const remaining = [...acknowledged]
  const reader = async (): Promise<void> => {
    for (let one = remaining.pop(); one !== undefined; one = remaining.pop()) await check(one)
  }
  await Promise.all([reader(), reader(), reader(), reader()])
  return lost
}

/** Files under blobs/sha256 whose content is not what their name says. */
function corruptBlobs(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(
      entry =>
        entry.isFile() &&
        basename(entry.parentPath) === 'sha256' &&
        basename(dirname(entry.parentPath)) === 'blobs',
    )
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => sha256(readFileSync(file)) !== `sha256:${basename(file)}`)
}

const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`
