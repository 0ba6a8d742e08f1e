import { collect } from '../collect.ts'

/** So much is thrown away between two collections, bytes. */
const every = 16 * 1024 * 1024

let thrownAway = 0

/**
 * Tells of a received chunk that will not be needed again. Node makes a new buffer for each, outside the
 * heap that V8 watches closely: without this, one large push leaves the process 50 MB larger for good.
 */
export function throwAway(bytes: number): void {
  thrownAway += bytes
  if (thrownAway < every) return
  thrownAway = 0
  collect('young')
}
