import { readdirSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunForOutput, runSystemProgram } from './system-program.ts'

/** What a process that listens has open at the moment. */
export interface ProcessUse {
  /** Absolute paths of files, as the system resolves them. */
  files: string[]
  /** Established TCP connections of others to its port; those of `own` are not counted. */
  clients: number
}

/** The process `pid`, which listens on `port`; `own` is the process that asks. */
export interface Watched {
  pid: number
  port: number
  own: number
}

/** Looks at that one process alone. Undefined where this user may not look, or it has ended. */
export type ReadProcessUse = (watched: Watched) => Promise<ProcessUse | undefined>

export const systemProcessUse = (platform: NodeJS.Platform = process.platform): ReadProcessUse =>
  platform === 'darwin' ? macProcessUse() : linuxProcessUse()

/** From /proc: no process is started. `proc` differs in tests only. */
function linuxProcessUse(proc = '/proc'): ReadProcessUse {
  return async ({ pid, port, own }) => {
    const links = openLinks(proc, pid)
    if (!links) return undefined
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map(name => readFile(join(proc, 'net', name), 'utf8').catch(() => '')),
    )
    const connections = tables.flatMap(parseConnections)
    const ofServer = sockets(links)
    const ofCaller = sockets(openLinks(proc, own) ?? [])
    const ownPorts = new Set(
      connections
        .filter(({ remotePort, inode }) => remotePort === port && ofCaller.has(inode))
        .map(({ localPort }) => localPort),
    )
    const clients = connections.filter(
      ({ localPort, remotePort, inode }) =>
        localPort === port && ofServer.has(inode) && !ownPorts.has(remotePort),
    )
    return { files: links.filter(link => link.startsWith('/')), clients: clients.length }
  }
}

/** What the descriptors of a process lead to. A readlink in /proc takes microseconds, so it is synchronous. */
function openLinks(proc: string, pid: number): string[] | undefined {
  const folder = join(proc, String(pid), 'fd')
  try {
    return readdirSync(folder).flatMap(name => {
      try {
        return [readlinkSync(join(folder, name))]
      } catch {
        return []
      }
    })
  } catch {
    return undefined
  }
}

const sockets = (links: readonly string[]): Set<string> =>
  new Set(links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))

interface Connection {
  localPort: number
  remotePort: number
  inode: string
}

/** The established connections of /proc/net/tcp or tcp6, proc(5). */
function parseConnections(text: string): Connection[] {
  const connections: Connection[] = []
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
    // 01 is ESTABLISHED, include/net/tcp_states.h.
    if (state !== '01') continue
    connections.push({ localPort: portOf(local), remotePort: portOf(remote), inode })
  }
  return connections
}

const portOf = (address: string): number => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16)

/** From lsof, asked for the two processes alone. */
export function macProcessUse(run: RunForOutput = runSystemProgram): ReadProcessUse {
  return async ({ pid, port, own }) => {
    const text = await run('/usr/sbin/lsof', ['-nP', '-w', '-p', `${pid},${own}`, '-F', 'pftnT'])
    return text === undefined ? undefined : parseProcessUse(text, { pid, port, own })
  }
}

interface OpenFile {
  pid: number
  type: string
  name: string
  state: string
}

/** `lsof -F pftnT`: a "p" begins a process and an "f" a descriptor; "TST=ESTABLISHED" is the state of a connection. */
export function parseProcessUse(text: string, { pid, port, own }: Watched): ProcessUse | undefined {
  const open: OpenFile[] = []
  let owner = 0
  for (const line of text.split('\n')) {
    const [kind, value] = [line[0], line.slice(1)]
    if (kind === 'p') owner = Number(value)
    if (kind === 'f') open.push({ pid: owner, type: '', name: '', state: '' })
    const current = open.at(-1)
    if (!current) continue
    if (kind === 't') current.type = value
    else if (kind === 'n') current.name = value
    else if (kind === 'T' && value.startsWith('ST=')) current.state = value.slice(3)
  }
  if (!open.some(file => file.pid === pid)) return undefined
  const ends = open.flatMap(file => {
    const [, local, remote] = /:(\d+)->.*:(\d+)$/.exec(file.name) ?? []
    if (file.state !== 'ESTABLISHED' || local === undefined) return []
    return [{ pid: file.pid, localPort: Number(local), remotePort: Number(remote) }]
  })
  const ownPorts = new Set(
    ends.filter(end => end.pid === own && end.remotePort === port).map(end => end.localPort),
  )
  return {
    files: open.filter(file => file.pid === pid && file.type === 'REG').map(({ name }) => name),
    clients: ends.filter(end => end.pid === pid && end.localPort === port && !ownPorts.has(end.remotePort))
      .length,
  }
}
