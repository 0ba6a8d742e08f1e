import { execFile } from 'node:child_process'
import { addressOf, parseLsof, parseStarted } from './mac-text.ts'
import { coversAddress } from './proc-text.ts'
import { exists, type ProcessTable } from './process-table.ts'

/** Runs a program to its end and answers its output; undefined when it could not be run or found nothing. */
export type Ask = (program: string, args: string[]) => Promise<string | undefined>

const limit = 5000

const askSystem: Ask = (program, args) =>
  new Promise(resolve => {
    // Fixed language and zone: the output is read by a program.
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }
    execFile(program, args, { env, timeout: limit, maxBuffer: 8 * 1024 * 1024 }, (error, stdout) => {
      // lsof ends with 1 when one of several things asked was not found: what it printed counts.
      resolve(error !== null && stdout === '' ? undefined : stdout)
    })
  })

/** By ps and lsof, which every macOS has at these places. */
export function macProcesses(ask: Ask = askSystem, isThere: (pid: number) => boolean = exists): ProcessTable {
  async function ps(pid: number, field: string): Promise<string | undefined> {
    const text = (await ask('/bin/ps', ['-ww', '-o', `${field}=`, '-p', String(pid)]))?.trim()
    return text === '' ? undefined : text
  }
  const lsof = async (args: string[]) =>
    parseLsof((await ask('/usr/sbin/lsof', ['-nP', '-w', ...args])) ?? '')

  const startTime = async (pid: number) => parseStarted((await ps(pid, 'lstart')) ?? '')
  const commandOf = (pid: number) => ps(pid, 'command')

  return {
    alive: isThere,
    startTime,
    async executable(pid) {
      const name = await ps(pid, 'comm')
      if (name === undefined || name.startsWith('/')) return name
      // Started by a relative name: the first mapped text file is the program itself.
      const [found] = await lsof(['-a', '-p', String(pid), '-d', 'txt', '-F', 'pn'])
      return found?.names[0]
    },
    commandLine: async pid => (await commandOf(pid))?.split(' '),
    async owner(pid) {
      const uid = await ps(pid, 'uid')
      return uid === undefined ? undefined : Number(uid)
    },
    async portOwner(port, address) {
      const found = await lsof([`-iTCP:${port}`, '-sTCP:LISTEN', '-F', 'pcLn'])
      const covers = (exact: boolean) =>
        found.find(({ names }) =>
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
      const found = await lsof(['-F', 'pn', '--', file])
      return found.map(({ pid }) => pid).sort((a, b) => a - b)
    },
  }
}
