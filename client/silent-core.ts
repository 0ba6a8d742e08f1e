import type { Failure } from '../contract/failure.ts'
import { readKeeper } from '../lib/keeper-file.ts'
import { processExists } from '../lib/process-exists.ts'

/**
 * The failure of a core whose socket took a call and that said nothing for `limitMs`. Names its process, as far as it is
 * known: as somebody holds the socket, what the core wrote of itself is no leftover.
 */
export function silentCore(home: string, limitMs: number): Failure {
  const pid = readKeeper(home)?.pid
  const known = pid !== undefined && processExists(pid) ? { pid } : {}
  return { code: 'app-not-answering', home, limitMs, ...known }
}
