import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let gc: ((options: object) => void) | undefined

/**
 * The young generation only: about half a millisecond. Whole: everything, and V8 hands the pages that it
 * keeps for later back to the system: about 20 ms with a small heap.
 */
export function collect(what: 'young' | 'whole'): void {
  gc ??= collector()
  const options = what === 'young' ? { type: 'minor' } : { type: 'major', flavor: 'last-resort' }
  gc({ ...options, execution: 'sync' })
}

function collector(): (options: object) => void {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext('gc')
  return typeof found === 'function' ? options => void found(options) : () => {}
}
