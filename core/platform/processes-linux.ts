import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { keptByOnLinux } from './kept-by.ts'
import { coversAddress, type PortOwner, type ProcessTable } from './process-table.ts'

/** How long /proc is searched before other work runs. */
const longestBlockMs = 5

/** Everything is read from /proc: no process is started. `proc` differs in tests only. */
export function linuxProcesses(proc = '/proc'): ProcessTable {
  const read = (...path: string[]) => readFile(join(proc, ...path), 'utf8').catch(() => undefined)
  const statOf = async (pid: number) => parseStat((await read(String(pid), 'stat')) ?? '')

  async function commandLine(pid: number): Promise<string[] | undefined> {
    const text = await read(String(pid), 'cmdline')
    // Kernel threads and processes that have ended have none.
    return text === undefined || text === '' ? undefined : text.replace(/\0$/, '').split('\0')
  }

  const owner = (pid: number): Promise<number | undefined> =>
    stat(join(proc, String(pid))).then(
      ({ uid }) => uid,
      () => undefined,
    )

  async function allPids(): Promise<number[]> {
    const names = await readdir(proc)
    return names
      .filter(name => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)
  }

  /**
   * The processes with an open descriptor that `matches`, as far as this user may read them. A readlink in /proc takes
   * microseconds and the thread pool far longer, so it is synchronous, with pauses in between.
   */
  async function* openedBy(matches: (link: string, path: string) => boolean, uid?: number, first?: number) {
    if (first !== undefined && opens(join(proc, String(first)), matches, uid)) yield first
    let pausedAt = performance.now()
    for (const pid of await allPids()) {
      if (performance.now() - pausedAt > longestBlockMs) {
        await setImmediate()
        pausedAt = performance.now()
      }
      if (opens(join(proc, String(pid)), matches, uid)) yield pid
    }
  }

  async function startedAt(pid: number): Promise<number | undefined> {
    const [boot, process] = await Promise.all([read('stat'), statOf(pid)])
    const bootedAt = parseBootTime(boot ?? '')
    return bootedAt === undefined || process === undefined ? undefined : bootedAt + process.sinceBootMs
  }

  return {
    alive(pid) {
      try {
        const status = parseStat(readFileSync(join(proc, String(pid), 'stat'), 'utf8'))
        return status !== undefined && !['Z', 'X', 'x'].includes(status.state)
      } catch {
        return false
      }
    },
    startTime: async pid => (await statOf(pid))?.sinceBootMs,
    executable: pid => readlink(join(proc, String(pid), 'exe')).catch(() => undefined),
    commandLine,
    owner,
    async portOwner(port, address, likely): Promise<PortOwner | undefined> {
      const tables = await Promise.all([read('net', 'tcp'), read('net', 'tcp6')])
      const listeners = tables.flatMap(table => parseListeners(table ?? ''))
      // An exact address before a wildcard: both may listen on one port.
      const socket = listeners
        .filter(listener => listener.port === port && coversAddress(listener.address, address))
        .sort((a, b) => Number(b.address === address) - Number(a.address === address))[0]
      if (socket === undefined) return undefined
      const user =
        parseUserName(await readFile('/etc/passwd', 'utf8').catch(() => ''), socket.uid) ?? String(socket.uid)
      const isSocket = (link: string) => link === `socket:[${socket.inode}]`
      for await (const pid of openedBy(isSocket, socket.uid, likely)) {
        const [command, at] = await Promise.all([commandLine(pid), startedAt(pid)])
        return {
          pid,
          user,
          ...(command === undefined ? {} : { command: command.join(' ') }),
          ...(at === undefined ? {} : { startedAt: at }),
        }
      }
      return { user }
    },
    async keptBy(pid) {
      const parent = (await statOf(pid))?.parent
      const [cgroup, above] = await Promise.all([
        read(String(pid), 'cgroup'),
        read(String(parent ?? 0), 'cgroup'),
      ])
      return cgroup === undefined ? undefined : keptByOnLinux(cgroup, above ?? '')
    },
    async holders(file) {
      const wanted = await stat(file).catch(() => undefined)
      if (wanted === undefined) return []
      const pids = new Set(parseLocks((await read('locks')) ?? '', wanted).filter(pid => pid > 0))
      // Descriptors too, as /proc/locks is wrong on some file systems; the name is compared first because that is cheap.
      const isFile = (link: string, path: string) => {
        if (basename(link) !== basename(file)) return false
        const open = statSync(path, { throwIfNoEntry: false })
        return open?.ino === wanted.ino && open.dev === wanted.dev
      }
      for await (const pid of openedBy(isFile)) pids.add(pid)
      return [...pids].sort((a, b) => a - b)
    },
  }
}

/** Whether a process of `uid` (of anybody, if not given) has a descriptor that `matches`; false when it ends meanwhile. */
function opens(folder: string, matches: (link: string, path: string) => boolean, uid?: number): boolean {
  try {
    if (uid !== undefined && statSync(folder).uid !== uid) return false
    const descriptors = join(folder, 'fd')
    return readdirSync(descriptors).some(name => {
      const path = join(descriptors, name)
      try {
        return matches(readlinkSync(path), path)
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

/** State letter, parent and start time of /proc/PID/stat, proc(5). The program's name, in brackets, may contain anything. */
export function parseStat(text: string): { state: string; parent: number; sinceBootMs: number } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, ticks] = [fields[0], Number(fields[1]), Number(fields[19])]
  // A tick has been 1/100 s for programs on every Linux that Node runs on.
  return state === undefined || !Number.isFinite(ticks)
    ? undefined
    : { state, parent, sinceBootMs: ticks * 10 }
}

/** When the system started, in ms since the epoch, from /proc/stat. */
function parseBootTime(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

export interface Listener {
  /** In Node's form: "127.0.0.1", "::1". */
  address: string
  port: number
  uid: number
  inode: string
}

/** The listening sockets of /proc/net/tcp or tcp6. */
export function parseListeners(text: string): Listener[] {
  const listeners: Listener[] = []
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, , , , uid, , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    // 0A is LISTEN, include/net/tcp_states.h.
    if (state !== '0A') continue
    listeners.push({
      address: parseAddress(address),
      port: Number.parseInt(port, 16),
      uid: Number(uid),
      inode,
    })
  }
  return listeners
}

/** Addresses are hexadecimal, each group of four bytes in the order of the (little-endian) machine. */
function parseAddress(hex: string): string {
  const bytes = (hex.toLowerCase().match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  const numbers = bytes.map(byte => Number.parseInt(byte, 16))
  if (numbers.length === 4) return numbers.join('.')
  if (bytes.slice(0, 12).join('') === '00000000000000000000ffff') return numbers.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((numbers[2 * i] ?? 0) * 256 + (numbers[2 * i + 1] ?? 0)).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** Pids that hold a lock on the inode, from /proc/locks; those that wait for one ("->") are left out. */
export function parseLocks(text: string, file: { dev: number; ino: number }): number[] {
  const pids: number[] = []
  for (const line of text.split('\n')) {
    const match = /^\d+: \w+\s+\w+\s+\w+\s+(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line)
    if (match === null || Number(match[4]) !== file.ino) continue
    const dev = { major: Number.parseInt(match[2] ?? '', 16), minor: Number.parseInt(match[3] ?? '', 16) }
    if (dev.major === majorOf(file.dev) && dev.minor === minorOf(file.dev)) pids.push(Number(match[1]))
  }
  return pids
}

/** makedev(3): 12 bits of major and 20 of minor are all that such devices use. */
const majorOf = (dev: number): number => Math.floor(dev / 256) % 4096
const minorOf = (dev: number): number => (dev % 256) + Math.floor(dev / 2 ** 20) * 256

/** Name of a user id, from passwd(5). */
export function parseUserName(text: string, uid: number): string | undefined {
  const line = text.split('\n').find(entry => entry.split(':')[2] === String(uid))
  return line?.split(':')[0]
}
