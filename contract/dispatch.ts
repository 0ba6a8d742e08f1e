import { type Caller, refusalOf } from './caller.ts'
import type { Command } from './command.ts'
import { contract, type ZotbarHandlers } from './contract.ts'
import { fail, type Result } from './result.ts'

/** Every command with its dotted name ("registry.restart"), for transports. */
export function commandNames(): string[] {
  return Object.entries(contract).flatMap(([area, verbs]) =>
    Object.keys(verbs).map(verb => `${area}.${verb}`),
  )
}

/** Who may call the command; nobody, where there is none of this name. */
export const callersOf = (name: string): readonly Caller[] => entryOf(name)?.callers ?? []

/** Whether a page gets this command only after the app has asked natively. */
export function needsAgreement(name: string): boolean {
  const callers = callersOf(name)
  return callers.includes('agreed') && !callers.includes('page')
}

/**
 * Runs one command by name: an unknown name, a caller who may not, bad input and a failing handler all come back as
 * data. Input from another process reaches a handler through here only. `connection` names the app's connection that
 * the call belongs to.
 */
export async function dispatch(
  handlers: ZotbarHandlers,
  name: string,
  input: unknown,
  caller: Caller,
  connection?: string,
): Promise<Result<unknown>> {
  const entry = entryOf(name)
  if (!entry) return fail({ code: 'unknown-command', name: name.slice(0, 100) })
  const refused = refusalOf(caller, entry.callers)
  if (refused) return fail(refused)
  const read = entry.parse(input ?? {})
  if (!read.ok) return read
  const [area = '', verb = ''] = name.split('.')
  const group = handlers[area as keyof ZotbarHandlers] as Record<string, Handler>
  const handler = group[verb]
  if (!handler) return fail({ code: 'unknown-command', name })
  return handler(read.value as never, caller, connection)
}

type Handler = (input: never, caller: Caller, connection?: string) => Promise<Result<unknown>>

function entryOf(name: string): Command<unknown, unknown> | undefined {
  const [area = '', verb = ''] = name.split('.')
  const verbs: Record<string, Command<unknown, unknown>> | undefined = Object.hasOwn(contract, area)
    ? contract[area as keyof typeof contract]
    : undefined
  return verbs && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
}
