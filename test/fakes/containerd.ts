import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'

const execute = promisify(execFile)

/** A real containerd with nothing in it, and its `ctr`. Only root can start one. */
export async function startContainerd() {
  // The path of a socket must be short.
  const folder = mkdtempSync(join(tmpdir(), 'ctr-'))
  const socket = join(folder, 's')
  const file = join(folder, 'containerd.toml')
  writeFileSync(
    file,
    `version = 2
root = "${join(folder, 'root')}"
state = "${join(folder, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
`,
  )
  const child = spawn('containerd', ['--config', file, '--log-level', 'error'], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const ctr = async (...args: string[]): Promise<string> =>
    (await execute('ctr', ['--address', socket, '--namespace', 'test', ...args])).stdout
  await eventually(async () => (await ctr('version').catch(() => '')).includes('Server'), 20_000)
  return {
    ctr,
    async stop(): Promise<void> {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type Containerd = Awaited<ReturnType<typeof startContainerd>>
