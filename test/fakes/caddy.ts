import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { eventually } from './eventually.ts'

/** Where caddy, once it was started with this folder, keeps the certificate of its own authority. */
export const authorityOf = (folder: string): string =>
  join(folder, 'caddy', 'pki', 'authorities', 'local', 'root.crt')

export interface CaddySite {
  port: number
  registryPort: number
  /** Of `reverse_proxy`. */
  lines?: readonly string[]
}

/** The real caddy at `https://localhost:PORT`, in front of a registry on this machine, with an authority of its own. */
export const startCaddy = (folder: string, port: number, registryPort: number): Promise<ChildProcess> =>
  startCaddySites(folder, [{ port, registryPort }])

export async function startCaddySites(folder: string, sites: readonly CaddySite[]): Promise<ChildProcess> {
  const file = join(folder, 'Caddyfile')
  const lines = ['{', 'skip_install_trust', 'admin off', 'auto_https disable_redirects', '}']
  for (const { port, registryPort, lines: more = [] } of sites) {
    lines.push(`https://localhost:${port} {`, 'tls internal')
    lines.push(`reverse_proxy 127.0.0.1:${registryPort} {`, ...more, '}', '}')
  }
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn('caddy', ['run', '--adapter', 'caddyfile', '--config', file], {
    env: { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: 'ignore',
  })
  await eventually(() => existsSync(authorityOf(folder)), 20_000)
  // The certificates of the sites come after that of the authority.
  for (const { port } of sites) await eventually(() => answersTls(folder, port), 20_000)
  return child
}

function answersTls(folder: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const ca = readFileSync(authorityOf(folder))
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca }, () => settle(true))
    const settle = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.on('error', () => settle(false))
  })
}
