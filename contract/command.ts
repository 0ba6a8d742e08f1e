import * as v from 'valibot'
import type { Failure } from './failure.ts'
import type { Result } from './result.ts'

/** One command of the contract: the check of its input, and (in the type only) its answer. */
export interface Command<Input, Output> {
  parse(input: unknown): { ok: true; value: Input } | { ok: false; error: Failure }
  /** Never set: carries the answer's type. */
  readonly output?: Output
}

/** Declares a command whose input is checked by `schema`; `Output` is the value of its Result. */
export const command =
  <Output>() =>
  <Schema extends v.GenericSchema>(schema: Schema): Command<v.InferOutput<Schema>, Output> => ({
    parse(input) {
      const read = v.safeParse(schema, input)
      if (read.success) return { ok: true, value: read.output }
      const issue = read.issues[0]
      return {
        ok: false,
        error: {
          code: 'bad-input',
          field: v.getDotPath(issue) ?? '(the whole input)',
          wrong: issue.received,
          allowed: issue.expected ?? issue.message,
        },
      }
    },
  })

type InputOf<C> = C extends Command<infer I, unknown> ? I : never
type OutputOf<C> = C extends Command<unknown, infer O> ? O : never

/** The kind of client that calls: it decides what a handler may do (HTTP changes no setting that names a program). */
export type Caller = 'cli' | 'dashboard' | 'window'

/** What the app implements: one handler per command; a missing one fails the type check. */
export type Handlers<T> = {
  readonly [Area in keyof T]: {
    readonly [Verb in keyof T[Area]]: (
      input: InputOf<T[Area][Verb]>,
      caller: Caller,
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
