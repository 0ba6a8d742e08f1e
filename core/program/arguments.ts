import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Keeper, keepers } from '../../lib/keeper-file.ts'
import { nearest } from '../../lib/nearest.ts'

/** How the core is to run. */
export interface StartOptions {
  /** Absolute. */
  configFile?: string
  /** 0 lets the kernel choose. */
  dashboardPort?: number
  /** One status object a line at each change of state, instead of words. */
  json: boolean
  keeper: Keeper
  /** A core started this process to hand its home over to it. */
  successor: boolean
}

/** A command line that is wrong. `near`: the option that was probably meant. */
export interface WrongUsage {
  code: 'usage'
  message: string
  near?: string
}

const options = {
  json: { type: 'boolean' },
  // What people typed when there was a menu bar to do without.
  headless: { type: 'boolean' },
  config: { type: 'string' },
  'dashboard-port': { type: 'string' },
  // By the program that starts the core, and in no help.
  keeper: { type: 'string' },
  successor: { type: 'boolean' },
} as const

/** As they are written in messages: with the name of the value, where there is one. */
const shown: Record<keyof typeof options, string> = {
  json: '--json',
  headless: '--headless',
  config: '--config <file>',
  'dashboard-port': '--dashboard-port <n>',
  keeper: '--keeper <name>',
  successor: '--successor',
}
/** Those that `zotbar start --help` lists. */
const listed = ['--json', '--headless', '--config', '--dashboard-port']

const wrong = (message: string, near?: string): { ok: false; error: WrongUsage } => ({
  ok: false,
  error: { code: 'usage', message, ...(near === undefined ? {} : { near }) },
})

const isOption = (name: string): name is keyof typeof options => name in options

/** Reads what follows the program's name: "start" may come first. Relative paths are those of `folder`. */
export function parseStart(
  args: readonly string[],
  folder: string = process.cwd(),
): { ok: true; value: StartOptions } | { ok: false; error: WrongUsage } {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const value: StartOptions = { json: false, keeper: 'terminal', successor: false }
  const words = tokens.filter(token => token.kind === 'positional').map(token => token.value)
  const extra = words[0] === 'start' ? words.slice(1) : words
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName } = token
    if (!isOption(name)) return wrong(`unknown option '${rawName}'`, nearest(rawName, listed))
    const wantsValue = options[name].type === 'string'
    if (!wantsValue && token.value !== undefined) return wrong(`option '${shown[name]}' takes no value`)
    if (wantsValue && (token.value === undefined || token.value === ''))
      return wrong(`option '${shown[name]}' argument missing`)
    const given = token.value ?? ''
    const refused = (allowed: string) =>
      wrong(`option '${shown[name]}' argument '${given}' is invalid. Allowed: ${allowed}`)
    if (name === 'json') value.json = true
    if (name === 'successor') value.successor = true
    if (name === 'config') value.configFile = resolve(folder, given)
    if (name === 'dashboard-port') {
      const port = Number(given)
      if (!/^\d+$/.test(given) || port > 65_535) return refused('0 to 65535')
      value.dashboardPort = port
    }
    if (name === 'keeper') {
      const keeper = keepers.find(each => each === given)
      if (keeper === undefined) return refused(keepers.join(', '))
      value.keeper = keeper
    }
  }
  if (extra.length > 0)
    return wrong(`too many arguments for 'start'. Expected 0 arguments but got ${extra.length}`)
  return { ok: true, value }
}

/** Read by hand, as a wrong command line is reported as JSON too. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

/** As the command line says it. */
export function printWrongUsage(error: WrongUsage, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ error }))
    return
  }
  const suggestion = error.near === undefined ? '' : ` Did you mean ${error.near}?`
  console.error(`zotbar: ${error.message}.${suggestion}\n  See: zotbar start --help`)
}
