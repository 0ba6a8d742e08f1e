import { startApp } from './app.ts'
import type { Bench, Row } from './figure.ts'
import { pushStore } from './image-store.ts'
import type { Summary } from './stats.ts'

/** The processes that idle, each with a small store pushed to it. */
export interface Idlers {
  app?: number
  registry?: number
  peer?: number
  stop(): Promise<void>
}

const store = { repositories: 10, tags: 10 }

export async function startIdlers({ work, ours, peer, app }: Bench): Promise<Idlers> {
  const stops: (() => Promise<void>)[] = []
  const idlers: Idlers = {
    async stop() {
      for (const stop of stops) await stop()
    },
  }
  if (app) {
    const running = await startApp(work, app, await work.sub('idle'))
    stops.push(running.quit)
    await pushStore(running.url, store)
    idlers.app = running.pid
    idlers.registry = running.registryPid()
  } else if (ours) {
    const server = await ours.start(work, await work.sub('idle'))
    stops.push(server.stop)
    await pushStore(server.url, store)
    idlers.registry = server.pid
  }
  if (peer) {
    const server = await peer.start(work, await work.sub('idle'))
    stops.push(server.stop)
    await pushStore(server.url, store)
    idlers.peer = server.pid
  }
  return idlers
}

/** Measures them at the same time and makes a row of the app and a row of the registries. */
export async function measureIdlers(
  idlers: Idlers,
  what: (pid: number) => Promise<Summary>,
  row: Pick<Row, 'unit' | 'target' | 'note'> & { name: string },
): Promise<Row[]> {
  const [app, registry, peer] = await Promise.all(
    [idlers.app, idlers.registry, idlers.peer].map(pid => (pid === undefined ? undefined : what(pid))),
  )
  const { name, ...rest } = row
  return [
    ...(app ? [{ ...rest, name: `${name}: headless app`, better: 'less', ours: app } as const] : []),
    {
      ...rest,
      name: `${name}: registry`,
      better: 'less',
      ...(registry ? { ours: registry } : {}),
      ...(peer ? { peer } : {}),
    },
  ]
}
