import type { Exit, WaitsFor } from '../../contract/failure.ts'
import { lastWordOf, withoutTraces } from '../platform/last-word.ts'
import { maskSecretsIn } from '../platform/secret-text.ts'
import type { Ending } from './state.ts'

/** How many last lines, and how many characters of each, are reported with an exit. */
const [lastLineCount, lastLineChars] = [20, 400]

/** What a process said of its end. `output`: all that is known of its run, oldest line first. `endedAt`: ms since the epoch. */
export function endingIn(output: readonly string[], exit: Exit, endedAt: number): Ending {
  const lastWord = lastWordOf(output, { endedAt })
  const ending: Ending = { exit, lastLines: lastLinesOf(output) }
  // Whoever was ended from outside had no time to say why: what it logged before is about something else.
  if (lastWord === undefined || (isFromOutside(exit) && lastWord.kind !== 'panic')) return ending
  const waitsFor = waitsForOf(lastWord.message)
  return { ...ending, lastWord: lastWord.message, ...(waitsFor === undefined ? {} : { waitsFor }) }
}

const isFromOutside = (exit: Exit): boolean =>
  exit.kind === 'signal' && ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'].includes(exit.signal)

/** The lines of a stack trace or a usage text are left out: there are more of them than are shown. */
const lastLinesOf = (output: readonly string[]): string[] =>
  withoutTraces(output)
    .filter(line => line.trim() !== '')
    .slice(-lastLineCount)
    .map(line => maskSecretsIn(line))
    .map(line => (line.length > lastLineChars ? `${line.slice(0, lastLineChars)}…` : line))

/**
 * zot asks each OpenID provider for its configuration while it starts (zitadel/oidc's Discover), and panics when it gets
 * none. One that answers as another issuer is a fault of config.json.
 */
const identityProvider =
  /relying party oidc(?!.*issuer does not match)|OIDC bearer (?:provider|authorizer).*(?:dial tcp|connection re|no such host|timeout|deadline exceeded|EOF|50[0-9])/i

/**
 * zot waits 10 s for each of its databases: cache.db is named, of meta.db there is only bbolt's "timeout". zotbar-registry
 * names the data folder and who has it.
 */
const lock =
  /boltdb file is already in use|failed to init controller: timeout$|^timeout$|is in use by another (?:program|zotbar-registry)/

/** Of a network that is not up yet, or a VPN; the words are Linux's, those of macOS, and zotbar-registry's. */
const address = /bind: can(?:not|'t) assign requested address|this machine has no such address/

/** What the registry could not start without, going by its last word. */
export function waitsForOf(lastWord: string): WaitsFor | undefined {
  if (identityProvider.test(lastWord)) return 'identity-provider'
  if (address.test(lastWord)) return 'address'
  return lock.test(lastWord) ? 'lock' : undefined
}
