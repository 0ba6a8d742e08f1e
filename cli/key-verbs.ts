import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseDuration } from '../lib/parse-duration.ts'
import { type AddVerb, type Json, type Run, usage } from './verb.ts'

const collect = (value: string, before: string[]): string[] => [...before, value]

/** A file may be named from where the command line is. */
function sinkSpec(spec: string): string {
  const [kind = '', ...rest] = spec.split(':')
  const path = rest.join(':')
  if ((kind !== 'file' && kind !== 'authfile') || path === '' || /^[/~]/.test(path)) return spec
  return `${kind}:${resolve(path)}`
}

/** The verbs about API keys, and about managed keys. */
export function addKeyVerbs(keys: Command, verb: AddVerb, run: Run): void {
  verb(keys, 'list', 'all keys, without their secrets').action(async (options: Json) =>
    run((await import('./keys.ts')).list, options, {}),
  )
  verb(keys, 'create', 'create a key; its secret is printed this once')
    .requiredOption('--user <name>', 'whose key it is')
    .option('--label <text>', 'what it is for', '')
    .option('--expires <when>', '90d, 12h, 2w, a date like 2027-01-31; 90 days without it')
    .option(
      '--scope <scope>',
      'narrow it: repository:<glob>:<action>[,<action>] with read, create, update, delete; may be repeated',
      collect,
      [],
    )
    .action(
      async (
        options: Json & { user: string; label: string; expires?: string; scope: string[] },
      ): Promise<void> => {
        const { user, label, expires, scope } = options
        return run((await import('./keys.ts')).create, options, { user, label, expires, scopes: scope })
      },
    )
  verb(keys, 'revoke', 'revoke a key at once')
    .argument('<uuid>')
    .option('--leaked', 'the key is known to others: and every key that was created with it')
    .option('--descendants', 'and every key that was created with it')
    .action(async (uuid: string, options: Json & { descendants?: boolean; leaked?: boolean }) =>
      run((await import('./keys.ts')).revoke, options, {
        uuid,
        descendants: options.descendants === true,
        leaked: options.leaked === true,
      }),
    )

  verb(keys, 'managed', 'the managed keys: their backend, their sinks, and what is wrong with them').action(
    async (options: Json) => run((await import('./managed-keys.ts')).managed, options, {}),
  )
  verb(
    keys,
    'manage',
    'manage a key, or change its sinks; without a key one is created where that is possible',
  )
    .argument('<user>', 'whose key it is')
    .option('--key-stdin', 'read the key from stdin')
    .option(
      '--sink <spec>',
      'where it is delivered: file:PATH, authfile:PATH, command:LINE, ssh:HOST:LINE, op:VAULT/ITEM/FIELD or forgejo:OWNER/REPO/NAME; may be repeated, the order counts',
      collect,
      [],
    )
    .option('--prove-repository <name>', 'where a new key has to prove that it may pull and push')
    .action(
      async (
        user: string,
        options: Json & { keyStdin?: boolean; sink: string[]; proveRepository?: string },
      ): Promise<void> =>
        run((await import('./managed-keys.ts')).manage, options, {
          user,
          keyStdin: options.keyStdin === true,
          sinks: options.sink.map(sinkSpec),
          proveRepository: options.proveRepository,
        }),
    )
  verb(keys, 'unmanage', 'stop managing a key; it goes on working')
    .argument('<user>')
    .action(async (user: string, options: Json) =>
      run((await import('./managed-keys.ts')).unmanage, options, { user }),
    )
  verb(keys, 'rotate', 'replace a managed key by a new one, everywhere; the old one is revoked later')
    .argument('<user>')
    .option('--overlap <time>', 'how long the old key goes on working: 24h, 30m, 0')
    .option('--leaked', 'the key is known to others: revoke it at once, and the keys created with it')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be done, and change nothing')
    .action(
      async (
        user: string,
        options: Json & { overlap?: string; leaked?: boolean; yes?: boolean; dryRun?: boolean },
      ): Promise<void> => {
        if (options.overlap !== undefined && parseDuration(options.overlap.trim()) === undefined)
          throw usage(`'${options.overlap}' is no --overlap; write 0, 90s, 30m, 24h or 2d`)
        if (options.leaked && options.overlap !== undefined)
          throw usage('a leaked key is revoked at once: --overlap does not go with --leaked')
        return run((await import('./managed-keys.ts')).rotate, options, {
          user,
          overlap: options.overlap,
          leaked: options.leaked === true,
          yes: options.yes === true,
          dryRun: options.dryRun === true,
        })
      },
    )
  verb(keys, 'retire', 'revoke the old key now, instead of at the end of the overlap')
    .argument('<user>')
    .action(async (user: string, options: Json) =>
      run((await import('./managed-keys.ts')).retire, options, { user }),
    )
  verb(keys, 'snooze', 'hold back the notices about the ends of the keys of this user for a while')
    .argument('<user>')
    .option('--for <time>', 'how long: 12h, 1d, 7d', '1d')
    .action(async (user: string, options: Json & { for: string }) =>
      run((await import('./managed-keys.ts')).snooze, options, { user, for: options.for }),
    )
  verb(keys, 'show', 'print the secret of a managed key')
    .argument('<user>')
    .action(async (user: string, options: Json) =>
      run((await import('./managed-keys.ts')).show, options, { user }),
    )
  verb(keys, 'prove', 'try a managed key, and check what its sinks hold')
    .argument('<user>')
    .action(async (user: string, options: Json) =>
      run((await import('./managed-keys.ts')).prove, options, { user }),
    )
  verb(keys, 'forgejo-token', 'store the access token for Forgejo, read from stdin').action(
    async (options: Json) => run((await import('./managed-keys.ts')).forgejoToken, options, {}),
  )
  verb(keys, 'unlock', 'give the passphrase of the encrypted keys, read from stdin').action(
    async (options: Json) => run((await import('./managed-keys.ts')).unlock, options, {}),
  )
}
