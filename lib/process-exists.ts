import { readFileSync } from 'node:fs'

/**
 * Whether a process runs, also somebody else's. One that has ended and that its parent did not look at yet does not; only
 * Linux tells those apart.
 */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  if (process.platform !== 'linux') return true
  try {
    // After the name, which may hold anything but is in parentheses.
    return !/\) [ZXx] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
