import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, type CoreConnection, connectCore } from '../../../client/core-connection.ts'
import type { Hello } from '../../../contract/hello.ts'
import { type ControlSocket, openControlSocket } from '../../../core/transport/control-socket.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { createShellConnections, type ShellConnections } from '../../../core/transport/shell-connections.ts'
import { systemClock } from '../../../lib/clock.ts'
import { aSnapshot, coreHello, type FakeHost, fakeHost } from '../../fakes/host.ts'

type Areas = Parameters<typeof fakeHost>[0]

/** A control socket in this process as a core opens it, and apps that connect to it. */
export async function createControlRig(over: Areas = {}) {
  const home = await mkdtemp(join(tmpdir(), 'zotbar-control-'))
  const socketPath = join(home, 'control.sock')
  const apps: CoreConnection[] = []
  let socket: ControlSocket | undefined
  let shells = createShellConnections()
  let host: FakeHost = fakeHost()

  const rig = {
    home,
    socketPath,
    host: (): FakeHost => host,
    shells: (): ShellConnections => shells,
    /** Opens the socket of a core; of the last one everything is gone. */
    async open(hello: Hello = coreHello): Promise<void> {
      shells = createShellConnections()
      const { handlers } = shells
      host = fakeHost({ ...over, shell: handlers })
      host.push('snapshot', aSnapshot())
      const opened = await openControlSocket({
        path: socketPath,
        home,
        api: httpApi(host, { shells }),
        hello,
        limitMs: 300,
      })
      if (!opened.ok) throw new Error(opened.error.code)
      socket = opened.value
    },
    async close(): Promise<void> {
      await socket?.close()
      socket = undefined
    },
    connect(more: Partial<ConnectionOptions> = {}): CoreConnection {
      const app = connectCore({
        socketPath,
        home,
        hello: { ...coreHello, as: 'app', pid: 1000 + apps.length },
        offers: ['open', 'question', 'sign-in'],
        looking: false,
        clock: systemClock(),
        onAsk: async () => undefined,
        ...more,
      })
      apps.push(app)
      return app
    },
    async end(): Promise<void> {
      for (const app of apps) app.close()
      await rig.close()
      await rm(home, { recursive: true, force: true })
    },
  }
  return rig
}
export type ControlRig = Awaited<ReturnType<typeof createControlRig>>
