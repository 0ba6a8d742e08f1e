import type { Failure } from './failure.ts'

/** What every command answers: failures cross process borders as data, never as exceptions. */
export type Result<T> = { ok: true; value: T } | { ok: false; error: Failure }

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value })

export const fail = <F extends Failure>(error: F): { ok: false; error: F } => ({ ok: false, error })

/** Marks a switch as exhaustive: a case that is missing fails the type check. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
