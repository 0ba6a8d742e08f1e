import type { Failure } from './failure.ts'

/**
 * config.json is another one than when the registry last became ready. `at`: when that was first so, in ms since the
 * epoch. `diff`: what bringing it back would change, unified, secrets hidden; shortened where it is long. `id`: of this
 * very change, for whoever agrees to it.
 */
export interface LastConfigOffer {
  at: number
  diff: string
  id: string
}

/** The config.json that last started. `diff` in full, and its `id`; both absent where it is the one of now. */
export interface LastConfig {
  file: string
  at: number
  engine: 'zotbar-registry' | 'zot'
  diff?: string
  id?: string
}

/** `keptAs`: the text from before, absent where the file was missing. `failure`: the registry did not start with it. */
export interface ConfigRestored {
  file: string
  at: number
  keptAs?: string
  failure?: Failure
}
