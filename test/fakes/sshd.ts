import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../setup/free-port.ts'
import { eventually } from './eventually.ts'

/** A real sshd on 127.0.0.1 with a host key of its own, and the home of a user who may sign in to it. */
export interface Sshd {
  port: number
  /** "user@127.0.0.1:PORT". */
  target: string
  /** A home folder for the client: ~/.ssh with a key that is authorised, and the host in known_hosts. */
  home: string
  /** As OpenSSH prints it: "ssh-ed25519 SHA256:…". */
  fingerprint: string
  /** The folder of everything; free for files of the test. */
  folder: string
  authorizedKeys: string
  knownHosts: string
  /** The line of the host for known_hosts. */
  knownLine: string
  /** What sshd said since it was started. */
  log(): string
  /** Starts again with another host key. */
  changeHostKey(): Promise<void>
  /** Cuts every connection off, as a network does that goes away; what runs on the host goes on. */
  cut(): void
  stop(): Promise<void>
}

/** Makes a key pair without a passphrase unless one is given; `FILE.pub` holds the public half. */
export function makeKey(file: string, passphrase = '', type = 'ed25519'): void {
  const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file])
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`)
}

export function fingerprintOf(publicFile: string): string {
  const said = spawnSync('ssh-keygen', ['-l', '-E', 'sha256', '-f', publicFile]).stdout.toString()
  const type = readFileSync(publicFile, 'utf8').split(' ')[0]
  return `${type} ${said.split(' ')[1]}`
}

/** `settings` are lines for sshd_config. */
export async function startSshd(settings: string[] = []): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-sshd-'))
  const home = join(folder, 'home')
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  const hostKey = join(folder, 'host-key')
  const authorizedKeys = join(folder, 'authorized_keys')
  const knownHosts = join(home, '.ssh', 'known_hosts')
  const { username } = userInfo()
  // sshd insists on it when it runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  makeKey(hostKey)
  makeKey(join(home, '.ssh', 'id_ed25519'))
  writeFileSync(authorizedKeys, readFileSync(join(home, '.ssh', 'id_ed25519.pub')))
  chmodSync(authorizedKeys, 0o600)

  let daemon: ChildProcess | undefined
  let behind = 0
  let said = ''
  async function startDaemon(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      behind = await freePort()
      const config = join(folder, 'sshd_config')
      writeFileSync(
        config,
        [
          `Port ${behind}`,
          'ListenAddress 127.0.0.1',
          `HostKey ${hostKey}`,
          `AuthorizedKeysFile ${authorizedKeys}`,
          'PidFile none',
          'UsePAM no',
          'StrictModes no',
          'PasswordAuthentication no',
          'KbdInteractiveAuthentication no',
          'PermitRootLogin yes',
          'MaxStartups 100',
          'Subsystem sftp internal-sftp',
          ...settings,
          '',
        ].join('\n'),
      )
      const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      said = ''
      child.stderr.on('data', text => {
        said += text
      })
      daemon = child
      const up = await eventually(
        () => /Server listening/.test(said) || (child.exitCode !== null ? 'ended' : undefined),
        30_000,
      )
      if (up !== 'ended') return
      if (attempt > 5) throw new Error(`sshd: ${said}`)
    }
  }
  await startDaemon()

  // In front of it, so that a connection can be cut off without a word.
  const sockets = new Set<Socket>()
  const front = createServer(client => {
    const server = connect(behind, '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    client.pipe(server).pipe(client)
  })
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  const lineOf = (): string => {
    const [type, key] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ')
    return `[127.0.0.1]:${port} ${type} ${key}\n`
  }
  const sshd: Sshd = {
    port,
    target: `${username}@127.0.0.1:${port}`,
    home,
    folder,
    authorizedKeys,
    knownHosts,
    fingerprint: fingerprintOf(`${hostKey}.pub`),
    knownLine: lineOf(),
    log: () => said,
    async changeHostKey() {
      await end(daemon)
      rmSync(hostKey)
      rmSync(`${hostKey}.pub`)
      makeKey(hostKey)
      await startDaemon()
      sshd.fingerprint = fingerprintOf(`${hostKey}.pub`)
      sshd.knownLine = lineOf()
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => front.close(resolve))
      await end(daemon)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  appendFileSync(knownHosts, sshd.knownLine)
  return sshd
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}
