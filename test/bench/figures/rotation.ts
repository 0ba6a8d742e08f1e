import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fakeForgejo } from '../../fakes/forgejo.ts'
import { pushImage, type Target } from '../../integration/registry/client.ts'
import { type App, startApp } from '../app.ts'
import { type AppFiles, type Bench, type Figure, missing, rows, skipped } from '../figure.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { run } from '../program.ts'
import { signedTarget } from '../signed-target.ts'
import { type Summary, summary } from '../stats.ts'

const user = 'zot-ci'
const clients = 4
const token = 'a-token'

/** A key exchanged in three places, while programs go on pushing with what one of the places holds. */
export const rotation: Figure = {
  name: 'rotation',
  about: 'rotation of a key: automated part, failed pushes, memory',
  async run(bench) {
    const { app, quick } = bench
    if (!app) return skipped(missing.app)
    const forgejo = await fakeForgejo({ token, repositories: ['team/app'] })
    const care = await underCare(bench, app, forgejo.url)
    const resident = async (): Promise<Summary | undefined> =>
      procIsThere ? summary([await residentMegabytes(care.app.pid)]) : undefined
    const before = await resident()
    const took: number[] = []
    const pushing = startPushing(care.app.url, care.authfile)
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      await pause(500)
      const rotated = await care.zotbar('keys', 'rotate', user, '--yes', '--json')
      // A push that began with the old key ends with it: that is what the overlap is for.
      await pushing.allBegunEnded()
      const retired = await care.zotbar('keys', 'retire', user, '--json')
      took.push(rotated.seconds + retired.seconds)
    }
    await pause(500)
    const pushes = await pushing.end()
    await pause(quick ? 5_000 : 30_000)
    const after = await resident()
    await care.app.quit()
    await forgejo.close()
    for (const why of pushes.reasons) bench.say(`rotation: a push failed: ${why}`)
    const note = `${clients} clients push images without pause over HTTP, each with the key that the authfile has when it begins; ${pushes.attempted} pushes, ${took.length} rotations`
    return rows(
      {
        name: 'rotation with three places',
        unit: 's',
        better: 'less',
        target: { kind: 'at-most', value: 5 },
        note: '`zotbar keys rotate` and `zotbar keys retire`, from spawn to exit, with a file, an authfile and a stand-in for Forgejo, while the pushes go on',
        ours: summary(took),
      },
      {
        name: 'pushes through rotations',
        unit: 'count',
        better: 'more',
        note,
        ours: summary([pushes.attempted]),
      },
      {
        name: 'failed pushes through rotations',
        unit: 'count',
        better: 'less',
        target: { kind: 'at-most', value: 0 },
        note,
        ours: summary([pushes.reasons.length]),
      },
      ...(before && after
        ? ([
            { name: 'app before rotations', unit: 'MB', better: 'less', ours: before },
            { name: 'app after rotations', unit: 'MB', better: 'less', ours: after },
          ] as const)
        : []),
    )
  },
}

interface Care {
  app: App
  authfile: string
  /** Throws where it fails. */
  zotbar(...words: string[]): Promise<{ seconds: number; stdout: string }>
}

/** An app with a managed key, which it delivers to three sinks. */
async function underCare(bench: Bench, files: AppFiles, forgejoUrl: string): Promise<Care> {
  const folder = await bench.work.sub('rotation')
  const home = join(folder, 'home')
  const keyFile = join(folder, 'key-file')
  await mkdir(home, { mode: 0o700 })
  await writeFile(keyFile, randomBytes(32), { mode: 0o600 })
  const settings = { 'secrets.keyFile': keyFile, 'forgejo.url': forgejoUrl, 'releases.check': false }
  await writeFile(join(home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
  const all = ['read', 'create', 'update', 'delete']
  const policies = [
    { users: ['pusher'], actions: all },
    { users: [user], actions: ['read', 'create'] },
  ]
  const accessControl = {
    repositories: { '**': { anonymousPolicy: ['read'], defaultPolicy: ['read'], policies } },
  }
  const http = { auth: { apikey: true }, accessControl }
  const app = await startApp(bench.work, files, folder, [], {}, { settings: { http } })

  async function zotbarGiven(input: string, words: string[]) {
    const ran = await run(process.execPath, [files.cli, ...words], { env: app.environment, input })
    if (ran.code !== 0) throw new Error(`zotbar ${words.join(' ')}: ${ran.stderr}${ran.stdout}`.slice(-2000))
    return ran
  }
  const zotbar = (...words: string[]) => zotbarGiven('', words)
  const newKey = async (name: string): Promise<string> => {
    const { stdout } = await zotbar('keys', 'create', '--user', name, '--json')
    return (JSON.parse(stdout) as { apiKey: string }).apiKey
  }
  await pushImage(signedTarget(app.url, 'pusher', await newKey('pusher')), 'team/app', '1', 'one')
  await zotbarGiven(token, ['keys', 'forgejo-token'])
  const authfile = join(folder, 'auth.json')
  const sinks = [`file:${join(folder, 'key')}`, `authfile:${authfile}`, 'forgejo:team/app/REGISTRY_KEY']
  const given = sinks.flatMap(sink => ['--sink', sink])
  const manage = ['keys', 'manage', user, '--key-stdin', ...given, '--prove-repository', 'team/app']
  await zotbarGiven(await newKey(user), manage)
  // The first rotation hands it out.
  await zotbar('keys', 'rotate', user, '--yes', '--overlap', '0')
  return { app, authfile, zotbar }
}

interface Pushing {
  /** Resolves when every push that has begun by now has ended. */
  allBegunEnded(): Promise<void>
  end(): Promise<{ attempted: number; reasons: string[] }>
}

function startPushing(url: string, authfile: string): Pushing {
  const host = new URL(url).host
  const reasons: string[] = []
  const under = new Set<Promise<void>>()
  let attempted = 0
  let over = false

  async function target(): Promise<Target> {
    const { auths } = JSON.parse(await readFile(authfile, 'utf8')) as {
      auths: Record<string, { auth: string }>
    }
    const [name = '', key = ''] = Buffer.from(auths[host]?.auth ?? '', 'base64')
      .toString()
      .split(/:(.*)/s)
    return signedTarget(url, name, key)
  }
  async function client(at: number): Promise<void> {
    while (!over) {
      attempted += 1
      const mark = `${at} ${attempted}`
      const push = target()
        .then(to => pushImage(to, 'team/pushed', mark.replace(' ', '-'), mark))
        .then(
          () => {},
          (error: unknown) => void reasons.push(String(error)),
        )
      under.add(push)
      await push
      under.delete(push)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, (_, at) => client(at)))
  return {
    allBegunEnded: async () => void (await Promise.all(under)),
    async end() {
      over = true
      await all
      return { attempted, reasons }
    },
  }
}
