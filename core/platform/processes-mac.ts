import { keptByLaunchd } from './kept-by.ts'
import { coversAddress, exists, type ProcessTable } from './process-table.ts'
import { type RunForOutput, runSystemProgram } from './system-program.ts'

/** Asks ps and lsof, which every macOS has at these paths. */
export function macProcesses(
  run: RunForOutput = runSystemProgram,
  alive: (pid: number) => boolean = exists,
): ProcessTable {
  async function ps(pid: number, field: string): Promise<string | undefined> {
    const text = (await run('/bin/ps', ['-ww', '-o', `${field}=`, '-p', String(pid)]))?.trim()
    return text === '' ? undefined : text
  }
  const lsof = async (args: string[]) =>
    parseLsof((await run('/usr/sbin/lsof', ['-nP', '-w', ...args])) ?? '')

  const startTime = async (pid: number) => parseStarted((await ps(pid, 'lstart')) ?? '')
  const commandOf = (pid: number) => ps(pid, 'command')

  return {
    alive,
    startTime,
    async executable(pid) {
      const name = await ps(pid, 'comm')
      if (name === undefined || name.startsWith('/')) return name
      // Started by a relative name: the first mapped text file is the program itself.
      const [opened] = await lsof(['-a', '-p', String(pid), '-d', 'txt', '-F', 'pn'])
      return opened?.names[0]
    },
    commandLine: async pid => (await commandOf(pid))?.split(' '),
    async owner(pid) {
      const uid = await ps(pid, 'uid')
      return uid === undefined ? undefined : Number(uid)
    },
    async portOwner(port, address) {
      const listeners = await lsof([`-iTCP:${port}`, '-sTCP:LISTEN', '-F', 'pcLn'])
      const covers = (exact: boolean) =>
        listeners.find(({ names }) =>
          names.some(name => (exact ? addressOf(name) === address : coversAddress(addressOf(name), address))),
        )
      const owner = covers(true) ?? covers(false)
      if (owner === undefined) return undefined
      const { pid, user } = owner
      const [line, startedAt] = await Promise.all([commandOf(pid), startTime(pid)])
      const command = line ?? owner.command
      return {
        pid,
        ...(command === undefined ? {} : { command }),
        ...(user === undefined ? {} : { user }),
        ...(startedAt === undefined ? {} : { startedAt }),
      }
    },
    async holders(file) {
      const processes = await lsof(['-F', 'pn', '--', file])
      return processes.map(({ pid }) => pid).sort((a, b) => a - b)
    },
    async keptBy(pid) {
      const uid = await ps(pid, 'uid')
      if (uid === undefined) return undefined
      // A label may be loaded in each, and a look into one does not show the others.
      for (const domain of [`gui/${uid}`, `user/${uid}`, 'system']) {
        const found = keptByLaunchd((await run('/bin/launchctl', ['print', domain])) ?? '', domain, pid)
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

/** `ps -o lstart=` run with LC_ALL=C and TZ=UTC ("Sun Mar  1 12:00:05 2026"), in ms since the epoch. */
export function parseStarted(text: string): number | undefined {
  const match = /^\w{3} (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4})$/.exec(text.trim())
  if (match === null) return undefined
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const [, month = '', day, hour, minute, second, year] = match
  if (!months.includes(month)) return undefined
  return Date.UTC(
    Number(year),
    months.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
}

export interface OpenedBy {
  pid: number
  command?: string
  user?: string
  /** Files, or "ADDRESS:PORT" for sockets. */
  names: string[]
}

/** `lsof -F pcLn`: one field a line, its kind as the first letter; a "p" begins the next process. */
export function parseLsof(text: string): OpenedBy[] {
  const processes: OpenedBy[] = []
  for (const line of text.split('\n')) {
    const [kind, value] = [line[0], line.slice(1)]
    if (kind === 'p') processes.push({ pid: Number(value), names: [] })
    const current = processes.at(-1)
    if (current === undefined) continue
    if (kind === 'c') current.command = value
    else if (kind === 'L') current.user = value
    else if (kind === 'n') current.names.push(value)
  }
  return processes
}

/** The address of "127.0.0.1:5050", "[::1]:5050" or "*:5050". */
export function addressOf(name: string): string {
  return name.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}
