import * as v from 'valibot'
import type { Caller } from './caller.ts'
import type { Failure } from './failure.ts'
import type { Result } from './result.ts'

/** One command of the contract: who may call it, the check of its input, and (in the type only) its answer. */
export interface Command<Input, Output> {
  readonly callers: readonly Caller[]
  parse(input: unknown): { ok: true; value: Input } | { ok: false; error: Failure }
  /** Never set: carries the answer's type. */
  readonly output?: Output
}

/** Declares a command that `callers` may call with what `schema` checks; `Output` is the value of its Result. */
export const command =
  <Output>() =>
  <Schema extends v.GenericSchema>(
    schema: Schema,
    callers: readonly Caller[],
  ): Command<v.InferOutput<Schema>, Output> => ({
    callers,
    parse(input) {
      const read = v.safeParse(schema, input)
      if (read.success) return { ok: true, value: read.output }
      const issue = read.issues[0]
      return {
        ok: false,
        error: {
          code: 'bad-input',
          field: v.getDotPath(issue) ?? '(the whole input)',
          ...wordsOf(issue),
        },
      }
    },
  })

/** What came, and what is allowed. Of a length valibot says only the number: "0", ">=1". */
function wordsOf(issue: v.BaseIssue<unknown>): { wrong: string; allowed: string } {
  const { type, requirement, input } = issue
  const isShort = type === 'min_length'
  if ((isShort || type === 'max_length') && typeof requirement === 'number') {
    const unit = typeof input === 'string' ? 'character' : 'value'
    const counted = (n: number): string => `${n} ${unit}${n === 1 ? '' : 's'}`
    const length = Number(issue.received)
    return {
      wrong: length === 0 ? 'nothing' : counted(length),
      allowed: `${isShort ? 'at least' : 'at most'} ${counted(requirement)}`,
    }
  }
  return { wrong: issue.received, allowed: issue.expected ?? issue.message }
}

type InputOf<C> = C extends Command<infer I, unknown> ? I : never
type OutputOf<C> = C extends Command<unknown, infer O> ? O : never

/**
 * What the core implements: one handler per command; a missing one fails the type check. `connection` names the app's
 * connection that the call belongs to, where it belongs to one.
 */
export type Handlers<T> = {
  readonly [Area in keyof T]: {
    readonly [Verb in keyof T[Area]]: (
      input: InputOf<T[Area][Verb]>,
      caller: Caller,
      connection?: string,
    ) => Promise<Result<OutputOf<T[Area][Verb]>>>
  }
}

/** What a window or the CLI calls: `zotbar.registry.restart({})`. */
export type Client<T> = {
  readonly [Area in keyof T]: {
    readonly [Verb in keyof T[Area]]: (
      input: InputOf<T[Area][Verb]>,
    ) => Promise<Result<OutputOf<T[Area][Verb]>>>
  }
}
