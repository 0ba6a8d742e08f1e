import { readFileSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  coversAddress,
  parseBootTime,
  parseListeners,
  parseLocks,
  parseStat,
  parseUserName,
} from './proc-text.ts'
import type { PortOwner, ProcessTable } from './process-table.ts'

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

  async function pids(): Promise<number[]> {
    const names = await readdir(proc)
    return names
      .filter(name => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)
  }

  /** The first process, or all, with an open descriptor that `matches`. Other users' cannot be looked into. */
  async function* openedBy(
    matches: (link: string, path: string) => boolean | Promise<boolean>,
    uid?: number,
  ) {
    for (const pid of await pids()) {
      if (uid !== undefined && (await owner(pid)) !== uid) continue
      const folder = join(proc, String(pid), 'fd')
      const descriptors = await readdir(folder).catch(() => [])
      const links = await Promise.all(
        descriptors.map(async name => {
          const path = join(folder, name)
          const link = await readlink(path).catch(() => undefined)
          return link !== undefined && (await matches(link, path))
        }),
      )
      if (links.includes(true)) yield pid
    }
  }

  async function startedAt(pid: number): Promise<number | undefined> {
    const [boot, process] = await Promise.all([read('stat'), statOf(pid)])
    const booted = parseBootTime(boot ?? '')
    return booted === undefined || process === undefined ? undefined : booted + process.sinceBoot
  }

  return {
    alive(pid) {
      try {
        const found = parseStat(readFileSync(join(proc, String(pid), 'stat'), 'utf8'))
        return found !== undefined && !['Z', 'X', 'x'].includes(found.state)
      } catch {
        return false
      }
    },
    startTime: async pid => (await statOf(pid))?.sinceBoot,
    executable: pid => readlink(join(proc, String(pid), 'exe')).catch(() => undefined),
    commandLine,
    owner,
    async portOwner(port, address): Promise<PortOwner | undefined> {
      const tables = await Promise.all([read('net', 'tcp'), read('net', 'tcp6')])
      const listeners = tables.flatMap(table => parseListeners(table ?? ''))
      // An exact address before a wildcard: both may listen on one port.
      const socket = listeners
        .filter(listener => listener.port === port && coversAddress(listener.address, address))
        .sort((a, b) => Number(b.address === address) - Number(a.address === address))[0]
      if (socket === undefined) return undefined
      const user =
        parseUserName(await readFile('/etc/passwd', 'utf8').catch(() => ''), socket.uid) ?? String(socket.uid)
      for await (const pid of openedBy(link => link === `socket:[${socket.inode}]`, socket.uid)) {
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
    async holders(file) {
      const wanted = await stat(file).catch(() => undefined)
      if (wanted === undefined) return []
      const found = new Set(parseLocks((await read('locks')) ?? '', wanted).filter(pid => pid > 0))
      // By name first, which is cheap, then by what is really open: /proc/locks does not show every file system right.
      const isIt = async (link: string, path: string) => {
        if (basename(link) !== basename(file)) return false
        const open = await stat(path).catch(() => undefined)
        return open?.ino === wanted.ino && open.dev === wanted.dev
      }
      for await (const pid of openedBy(isIt)) found.add(pid)
      return [...found].sort((a, b) => a - b)
    },
  }
}
