import type { Command } from 'commander'
import type { AddVerb, Json, Run } from './verb.ts'
import { usage } from './verb.ts'

interface UpgradeText extends Json {
  to?: string
  from?: string
  list?: boolean
  dryRun?: boolean
  undo?: boolean
  yes?: boolean
  allowDowngrade?: boolean
}

/** Upgrading zot. */
export function addUpgradeVerb(program: Command, verb: AddVerb, run: Run): void {
  verb(program, 'upgrade', 'bring zot to another version; back again by itself if that does not prove itself')
    .option('--to <version>', 'the version, such as v2.1.15; left out, the newest release')
    .option('--from <source>', 'a file, an address, or "source" to build it by the recipe')
    .option('--list', 'the releases there are, and what is known of them')
    .option('--dry-run', 'say what would be done and what it would mean, and change nothing')
    .option('--undo', 'back to the version before, with the databases as they are now')
    .option('--yes', 'do not ask')
    .option('--allow-downgrade', 'take a version that is older than the one that runs')
    .action(async (options: UpgradeText) => {
      const { to, from, list, undo } = options
      if (to !== undefined && !/^v\d{1,6}\.\d{1,6}\.\d{1,6}(-\d{1,6}-g[0-9a-f]{4,40})?$/.test(to))
        throw usage(`'${to}' is no version; write it as v2.1.15`)
      if (undo && (to ?? from) !== undefined)
        throw usage('--undo goes to the version before: without --to or --from')
      const { releases, upgrade } = await import('./upgrade.ts')
      if (list) return run(releases, options, {})
      return run(upgrade, options, {
        to,
        from,
        dryRun: options.dryRun === true,
        undo: undo === true,
        yes: options.yes === true,
        allowDowngrade: options.allowDowngrade === true,
      })
    })
}

/** The verbs about runbooks of any kind: what was done, what is under way, and what it asks. */
export function addRunbookVerbs(program: Command, verb: AddVerb, run: Run): void {
  const runbooks = program
    .command('runbooks')
    .description('see what was done step by step, and steer what is under way')
    .helpCommand(false)
  verb(runbooks, 'list', 'what is under way, and what has ended').action(async (options: Json) =>
    run((await import('./runbooks.ts')).list, options, {}),
  )
  verb(runbooks, 'show', 'the steps of one: the one under way, or the newest, or the one that is named')
    .argument('[run]', 'its name, from the list')
    .action(async (name: string | undefined, options: Json) =>
      run((await import('./runbooks.ts')).show, options, { run: name }),
    )
  verb(runbooks, 'answer', 'answer the question that one waits with')
    .option('--yes', 'agree')
    .option('--no', 'do not agree: it is cancelled, and what was done is taken back')
    .option('--key-stdin', 'give the key that it asks for, read from stdin')
    .action(async (options: Json & { yes?: boolean; no?: boolean; keyStdin?: boolean }) => {
      const given = [options.yes, options.no, options.keyStdin].filter(option => option === true)
      if (given.length !== 1) throw usage('write one of --yes, --no and --key-stdin')
      const { answer } = await import('./runbooks.ts')
      const keyStdin = options.keyStdin === true
      return run(answer, options, { agreed: options.no !== true, keyStdin })
    })
  verb(runbooks, 'cancel', 'cancel the one under way, where there is still a way back').action(
    async (options: Json) => run((await import('./runbooks.ts')).cancel, options, {}),
  )
}
