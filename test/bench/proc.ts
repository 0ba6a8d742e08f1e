import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'

/** Processor time and memory of processes, read from /proc. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export const procIsThere: boolean = platform() === 'linux'

/** Seconds of processor time, user and system, all threads. Linux counts them in ticks of 10 ms. */
export async function cpuSeconds(pid: number): Promise<number> {
  return cpuSecondsIn(await readFile(`/proc/${pid}/stat`, 'utf8'))
}

/** The same from the text of /proc/PID/stat. The command may hold spaces and brackets: counting starts after it. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  if (!Number.isFinite(user + system)) throw new Error(`not a line of /proc/PID/stat: ${stat}`)
  return (user + system) / 100
}

/** Resident memory in MB (10^6 bytes). */
export async function residentMegabytes(pid: number): Promise<number> {
  return residentMegabytesIn(await readFile(`/proc/${pid}/status`, 'utf8'))
}

export function residentMegabytesIn(status: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error('no VmRSS in /proc/PID/status')
  return (Number(kibibytes) * 1024) / 1e6
}
