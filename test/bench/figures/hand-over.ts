import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createAppRig, targetAt } from '../../integration/app/app-rig.ts'
import { clientOf, makeBuild, serves } from '../../integration/hand-over/second-build.ts'
import { type Counted, startTraffic, watchControlSocket } from '../../integration/hand-over/traffic.ts'
import { pushImage } from '../../integration/registry/client.ts'
import { basic, threeTiers, writeHtpasswd } from '../../integration/registry/people.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { summary } from '../stats.ts'

/** What clients of the registry and of the core see while a core hands over to one of another build. */
export const handOver: Figure = {
  name: 'hand-over',
  about: 'hand-over to another build: requests sent and failed, time without an answer of the core',
  async run({ quick, app }) {
    if (!app) return skipped(missing.app)
    const builds = [makeBuild('second'), makeBuild('third')] as const
    const rig = await createAppRig()
    try {
      const people = threeTiers(writeHtpasswd(rig.data, 'robot', 'root'), { metrics: { users: ['root'] } })
      rig.configure({ ...rig.standard, ...withPort(people, rig.port), extensions: { metrics: {} } })
      const first = await rig.serving()
      await pushAs(rig.url, 'root')
      const made = await clientOf(rig).keys.create({ user: 'robot', label: '', scopes: [] })
      if (!made.ok) throw new Error(made.error.code)
      const gaps: number[] = []
      const took: number[] = []
      const counts: Counted[] = []
      for (let round = 0; round < (quick ? 3 : 9); round++) {
        const next = builds[round % 2 === 0 ? 0 : 1]
        const traffic = startTraffic(rig.url, made.value.apiKey ?? '')
        const socket = watchControlSocket(join(rig.home, 'control.sock'))
        const asked = performance.now()
        const answer = await clientOf(rig).app.handOver(next)
        if (!answer.ok) throw new Error(JSON.stringify(answer.error))
        await serves(rig, next.build)
        took.push(performance.now() - asked)
        counts.push(...Object.values(await traffic.stop()))
        gaps.push(await socket.stop())
      }
      const sent = counts.reduce((sum, count) => sum + count.sent, 0)
      const failed = counts.reduce((sum, count) => sum + count.failed.length, 0)
      const waiter = procIsThere ? summary([await residentMegabytes(first.pid)]) : undefined
      return rows(
        {
          name: 'hand-over: failed requests',
          unit: 'count',
          better: 'less',
          target: { kind: 'at-most', value: 0 },
          ours: summary([failed]),
          note: `of ${sent} pulls, pushes, requests with an API key and scrapes of /metrics, without a pause`,
        },
        {
          name: 'hand-over: control socket without an answer',
          unit: 'ms',
          better: 'less',
          ours: summary(gaps),
          note: 'asked on a new connection 2 ms after each answer, with the requests above going on',
        },
        {
          name: 'hand-over: from the command to the new core',
          unit: 'ms',
          better: 'less',
          ours: summary(took),
        },
        {
          name: 'hand-over: memory of what stands in for the core (RSS)',
          unit: 'MB',
          better: 'less',
          ...(waiter ? { ours: waiter } : {}),
        },
      )
    } finally {
      const core = await clientOf(rig).app.snapshot({})
      if (core.ok) process.kill(core.value.app.pid, 'SIGKILL')
      await rig.end()
      for (const build of builds) build.remove()
    }
  },
}

const withPort = (config: object, port: number): object => {
  const http = 'http' in config && typeof config.http === 'object' ? config.http : {}
  return { http: { ...http, port: String(port) } }
}

/** The images that the requests begin with. */
async function pushAs(url: string, user: string): Promise<void> {
  const registry = targetAt(url)
  const asUser: typeof registry = {
    ask: (path, { headers = {}, ...rest } = {}) =>
      registry.ask(path, { ...rest, headers: { authorization: basic(user), ...headers } }),
  }
  for (const name of ['team/app', 'team/pushed']) await pushImage(asUser, name, '1', 'a layer')
}
