import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  coversAddress,
  parseBootTime,
  parseListeners,
  parseLocks,
  parseStat,
  parseUserName,
} from './proc-text.ts'
import type { PortOwner, ProcessTable } from './process-table.ts'

/** ms of looking through /proc before other work gets its turn. */
const longestBlock = 5

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

  /**
   * The processes with an open descriptor that `matches`. Other users' cannot be looked into. A readlink in /proc takes
   * microseconds, its way through a thread pool far longer: so it is synchronous, with a rest now and then.
   */
  async function* openedBy(matches: (link: string, path: string) => boolean, uid?: number, first?: number) {
    if (first !== undefined && opens(join(proc, String(first)), matches, uid)) yield first
    let rested = performance.now()
    for (const pid of await pids()) {
      if (performance.now() - rested > longestBlock) {
        await setImmediate()
        rested = performance.now()
      }
      if (opens(join(proc, String(pid)), matches, uid)) yield pid
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
      const isIt = (link: string) => link === `socket:[${socket.inode}]`
      for await (const pid of openedBy(isIt, socket.uid, likely)) {
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
      const isIt = (link: string, path: string) => {
        if (basename(link) !== basename(file)) return false
        const open = statSync(path, { throwIfNoEntry: false })
        return open?.ino === wanted.ino && open.dev === wanted.dev
      }
      for await (const pid of openedBy(isIt)) found.add(pid)
      return [...found].sort((a, b) => a - b)
    },
  }
}

/** Whether a process of `uid` (of anybody, if not given) has a descriptor that `matches`. It may end meanwhile. */
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
