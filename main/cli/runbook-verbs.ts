import type { Command } from 'commander'
import type { AddVerb, Json, Run } from './registry-verbs.ts'
import { usage } from './usage.ts'

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
    .action(async (options: Json & { yes?: boolean; no?: boolean }) => {
      if ((options.yes === true) === (options.no === true)) throw usage('write either --yes or --no')
      return run((await import('./runbooks.ts')).answer, options, { agreed: options.yes === true })
    })
  verb(runbooks, 'cancel', 'cancel the one under way, where there is still a way back').action(
    async (options: Json) => run((await import('./runbooks.ts')).cancel, options, {}),
  )
}
