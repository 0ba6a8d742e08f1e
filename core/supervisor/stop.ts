import type { Child } from './launch.ts'

/** Sends a signal; true when it was delivered. A process or group that is gone is no error. */
export type Kill = (pid: number, signal: NodeJS.Signals) => boolean

export const killProcess: Kill = (pid, signal) => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/**
 * Signals our own child. SIGTERM goes to it alone, it decides how to end; SIGKILL to its whole group, so that
 * nothing it started stays behind. The caller knows that it has not exited: its pid cannot be somebody else's.
 */
export function signalChild(child: Child, signal: 'SIGTERM' | 'SIGKILL', kill: Kill): void {
  if (signal === 'SIGKILL' && child.pid !== undefined && kill(-child.pid, 'SIGKILL')) return
  child.kill(signal)
}

/** Signals an adopted process. The caller has just seen that it still is the one that was adopted. */
export function signalAdopted(pid: number, signal: 'SIGTERM' | 'SIGKILL', kill: Kill): boolean {
  // It was started as the leader of a group of its own; where it is not, the group's number is nobody's.
  if (signal === 'SIGKILL' && kill(-pid, 'SIGKILL')) return true
  return kill(pid, signal)
}
