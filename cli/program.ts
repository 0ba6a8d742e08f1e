import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { appVersion } from '../lib/app-version.ts'
import { systemClock } from '../lib/clock.ts'
import { nearest } from '../lib/nearest.ts'
import { addCoreVerbs } from './core-verbs.ts'
import { type ExitCode, exitCode, type Output, output } from './output.ts'
import { addRegistryVerbs } from './registry-verbs.ts'
import { addRunbookVerbs, addUpgradeVerb } from './runbook-verbs.ts'
import { usage, type Verb, type VerbContext } from './verb.ts'
import { sayWhoAsks } from './who-asks.ts'

interface Json {
  json?: boolean
}

/** Reads the command line, runs the verb and gives the exit code. */
export async function runCli(args: string[], home: string, socketPath: string): Promise<number> {
  let code: number = exitCode.done
  const asJson = wantsJson(args)
  const context = async (options: Json): Promise<VerbContext> => {
    const { controlClient } = await import('../client/control-client.ts')
    const { untilReachable } = await import('../client/reach-core.ts')
    await untilReachable({ home, socketPath, clock: systemClock() })
    return {
      out: output(options.json === true),
      client: controlClient({ socketPath, home }),
      home,
      now: Date.now,
    }
  }
  const run = async <Options>(verb: Verb<Options>, json: Json, options: Options): Promise<void> => {
    const given = await context(json)
    const stop = sayWhoAsks(given)
    try {
      code = await verb(given, options)
    } finally {
      stop()
    }
  }

  const program = new Command('zotbar')
    .description('Keeps your container registry up, and shows at a glance how it is')
    .version(appVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [verb]', 'print the help of zotbar, or of one verb')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  program.addHelpText('after', () => exitCodeHelp)

  const verb = (parent: Command, name: string, description: string): Command =>
    parent.command(name).description(description).option('--json', 'print JSON')

  verb(program, 'start', 'run Zotbar in the foreground; SIGTERM or Ctrl-C quits it')
    .option('--headless', 'changes nothing: it is always without a menu bar')
    .option('--config <file>', "the registry's config.json")
    .option('--dashboard-port <n>', 'port of the dashboard; 0 picks a free one', wholeNumber(0, 65_535))
    .action(async (options: Json): Promise<void> => {
      const { start } = await import('./start.ts')
      code = start(output(options.json === true), args)
    })
  verb(program, 'status', 'say whether the registry serves').action(async (options: Json) =>
    run((await import('./status.ts')).status, options, {}),
  )
  verb(program, 'stop', 'stop the registry and wait until it has ended').action(async (options: Json) =>
    run((await import('./registry.ts')).stop, options, {}),
  )
  verb(program, 'restart', 'restart the registry, or start a stopped one, and wait until it serves')
    .option('--now', 'do not wait for pushes: cut them off')
    .action(async (options: Json & { now?: boolean }) =>
      run((await import('./registry.ts')).restart, options, { now: options.now === true }),
    )
  verb(program, 'logs', "print the registry's output")
    .option('-f, --follow', 'go on as more comes, across restarts')
    .option('-n, --lines <n>', 'how many of the newest lines', wholeNumber(1, 5_000), 200)
    .action(async (options: Json & { follow?: boolean; lines: number }) =>
      run((await import('./logs.ts')).logs, options, {
        follow: options.follow === true,
        lines: options.lines,
      }),
    )
  const settings = program.command('settings').description('see and change the settings').helpCommand(false)
  verb(settings, 'list', 'all settings with their values').action(async (options: Json) =>
    run((await import('./settings.ts')).list, options, {}),
  )
  verb(settings, 'get', 'one value')
    .argument('<key>')
    .action(async (key: string, options: Json) => run((await import('./settings.ts')).get, options, { key }))
  verb(settings, 'set', 'change one value; with --default instead of it, back to the default')
    .argument('<key>')
    .argument('[value]')
    .option('--default', 'back to the default')
    .action(async (key: string, value: string | undefined, options: Json & { default?: boolean }) => {
      if ((value === undefined) !== (options.default === true))
        throw usage(options.default ? 'both a value and --default' : "missing required argument 'value'")
      return run((await import('./settings.ts')).set, options, { key, value })
    })
  addRegistryVerbs(program, verb, run)
  addUpgradeVerb(program, verb, run)
  addRunbookVerbs(program, verb, run)
  verb(program, 'open', 'open the dashboard in the browser')
    .option('--print', 'print a link instead; it works once')
    .option('--revoke-all', 'end every session of the dashboard instead, in every browser')
    .action(async (options: Json & { print?: boolean; revokeAll?: boolean }) => {
      if (options.print && options.revokeAll) throw usage('both --print and --revoke-all')
      return run((await import('./open.ts')).open, options, {
        print: options.print === true,
        revokeAll: options.revokeAll === true,
      })
    })
  addCoreVerbs(program, verb, run)

  try {
    // Without a verb commander would report the flag as the mistake.
    const [group, ...more] = args.filter(word => word !== '--json')
    const isGroup = program.commands.some(command => command.commands.length > 0 && command.name() === group)
    if (asJson && more.length === 0 && (group === undefined || isGroup)) throw usage('a verb is missing')
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return refused(error, output(asJson), helpFor(program, args))
    // A fault of this program: with its trace for people, as data for programs.
    if (!asJson) throw error
    const message = error instanceof Error ? error.message : String(error)
    return output(asJson).failure({ code: 'unexpected', where: message })
  }
}

/** Help and version were asked for, or the command line was wrong. */
function refused(error: CommanderError, out: Output, help: string): ExitCode {
  if (error.exitCode === 0) return exitCode.done
  if (error.code === 'commander.help')
    return out.failure({ code: 'usage', message: 'a verb is missing', help })
  const [first = '', hint = ''] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /Did you mean (?:one of )?([^?]+)\?/
    .exec(hint)?.[1]
    ?.split(', ')
    .filter(word => isSimilar(withoutDashes(/'([^']*)'/.exec(first)?.[1] ?? ''), withoutDashes(word)))
    .join(', ')
  return out.failure({
    code: 'usage',
    message: first.replace(/\.$/, ''),
    ...(suggestion ? { near: suggestion } : {}),
    help,
  })
}

/** A few letters differ, or the same ones stand in another order. */
const isSimilar = (typed: string, meant: string): boolean =>
  nearest(typed, [meant]) !== undefined || [...typed].sort().join('') === [...meant].sort().join('')
const withoutDashes = (word: string): string => word.replace(/^-+/, '')

/** The help of the verb that was meant, as far as its name was right: "zotbar settings set --help". */
function helpFor(program: Command, args: string[]): string {
  const path = ['zotbar']
  let at: Command | undefined = program
  for (const word of args) {
    if (word.startsWith('-')) continue
    at = at.commands.find(command => command.name() === word)
    if (!at) break
    path.push(word)
  }
  return `${path.join(' ')} --help`
}

function wholeNumber(least: number, max: number): (word: string) => number {
  return word => {
    const value = Number(word)
    if (!/^\d+$/.test(word) || value < least || value > max)
      throw new InvalidArgumentError(`Allowed: ${least} to ${max}`)
    return value
  }
}

/** Read by hand, because a wrong command line is reported as JSON too and fails before its flags are parsed. */
function wantsJson(args: string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

const exitCodeHelp = `
Exit codes: 0 done or serving, 1 failed, 2 wrong usage, 3 app not running, 4 (status) any state but serving.
With --json a failure is {"error":{"code",...}} on stdout, and stderr stays empty.`
