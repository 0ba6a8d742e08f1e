import { type Command, Option } from 'commander'
import type { AddVerb, Json, Run } from './verb.ts'

/** The verbs about the core itself, whoever keeps it: its end, and its successor. */
export function addCoreVerbs(program: Command, verb: AddVerb, run: Run): void {
  verb(program, 'quit', 'end Zotbar and the registry, whoever started it, and wait until it has ended')
    .option('--keep-serving', 'leave the registry running')
    // For `npm start`, where the menu-bar app died at its start and left a core behind.
    .addOption(new Option('--orphan', 'only a core whose app is gone').hideHelp())
    .action(async (options: Json & { keepServing?: boolean; orphan?: boolean }) =>
      run((await import('./quit.ts')).quit, options, {
        keepServing: options.keepServing === true,
        orphan: options.orphan === true,
      }),
    )

  verb(
    program,
    'hand-over',
    'after an update: let this Zotbar take over from the one that runs, while the registry goes on',
  ).action(async (options: Json) => run((await import('./hand-over.ts')).handOver, options, {}))
}
