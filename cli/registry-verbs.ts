import type { Command } from 'commander'
import { addKeyVerbs } from './key-verbs.ts'
import { type AddVerb, type Json, type Run, usage } from './verb.ts'

/** The verbs about what is in the registry: images, keys, and its first account. */
export function addRegistryVerbs(program: Command, verb: AddVerb, run: Run): void {
  const group = (name: string, description: string): Command =>
    program.command(name).description(description).helpCommand(false)

  const images = group('images', 'see and delete images')
  verb(images, 'list', 'all tags, or those of one repository')
    .argument('[repository]')
    .action(async (repository: string | undefined, options: Json) =>
      run((await import('./images.ts')).list, options, { repository }),
    )
  verb(images, 'show', 'one image in full')
    .argument('<image>', 'REPOSITORY:TAG or REPOSITORY@DIGEST')
    .action(async (name: string, options: Json) => {
      const { readImageName, show } = await import('./images.ts')
      return run(show, options, readImageName(name) ?? rejectImageName(name))
    })
  verb(images, 'delete', 'delete a tag, or by digest a manifest with every tag on it')
    .argument('<image>', 'REPOSITORY:TAG or REPOSITORY@DIGEST')
    .action(async (name: string, options: Json) => {
      const { readImageName, remove } = await import('./images.ts')
      // A missing tag is not taken for "latest" by something that cannot be taken back.
      if (!/[:@]/.test(name)) rejectImageName(name)
      return run(remove, options, readImageName(name) ?? rejectImageName(name))
    })

  const keys = group('keys', 'see, create, revoke and rotate API keys')
  addKeyVerbs(keys, verb, run)

  const engine = group('engine', 'see which engines there are, and switch between them')
  verb(engine, 'list', 'every engine on this machine').action(async (options: Json) =>
    run((await import('./engine.ts')).list, options, {}),
  )
  verb(
    engine,
    'use',
    'switch to another engine on the same data; back again by itself if it does not prove itself',
  )
    .argument('<engine>', 'zotbar-registry or zot')
    .option('--path <file>', 'the zot to run')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be done, and change nothing')
    .action(
      async (
        name: string,
        options: Json & { path?: string; yes?: boolean; dryRun?: boolean },
      ): Promise<void> => {
        if (name !== 'zotbar-registry' && name !== 'zot')
          throw usage(`'${name}' is no engine; write zotbar-registry or zot`)
        if (options.path !== undefined && name !== 'zot') throw usage('--path is for zot')
        return run((await import('./engine.ts')).use, options, {
          engine: name,
          path: options.path,
          yes: options.yes === true,
          dryRun: options.dryRun === true,
        })
      },
    )

  const data = group('data', 'see whether the data folder is the one that it was, and begin with another')
  verb(data, 'show', 'the folder as it was and as it is, side by side').action(async (options: Json) =>
    run((await import('./data.ts')).show, options, {}),
  )
  verb(data, 'accept', 'the folder that config.json names is the one from now on').action(
    async (options: Json) => run((await import('./data.ts')).accept, options, {}),
  )

  const config = group('config', 'see and bring back the config.json that last started')
  verb(config, 'show', 'what bringing it back would change').action(async (options: Json) =>
    run((await import('./config.ts')).show, options, {}),
  )
  verb(
    config,
    'restore',
    'bring it back, and start the registry with it; the text from before is kept beside it',
  )
    .option('--yes', 'do not ask')
    .action(async (options: Json & { yes?: boolean }) =>
      run((await import('./config.ts')).restore, options, { yes: options.yes === true }),
    )

  const admin = group('admin', 'the account that the first run created')
  for (const [name, description] of [
    ['show', 'its name and password'],
    ['reset', 'a new password; the old one ends at once'],
  ] as const)
    verb(admin, name, description)
      .option('--password', 'print the password alone, for a pipe')
      .action(async (options: Json & { password?: boolean }) =>
        run((await import('./admin.ts'))[name], options, { only: options.password === true }),
      )
}

const rejectImageName = (name: string): never => {
  throw usage(`'${name}' is not an image; write REPOSITORY:TAG or REPOSITORY@DIGEST`)
}
