import type { ZotbarClient } from '../contract/contract.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { count } from '../contract/messages/format.ts'
import { type Keychain, keychainService, loadKeychain } from '../lib/keychain.ts'
import type { Questions } from './questions.ts'

interface Options {
  connection: { as(caller: 'app'): Pick<ZotbarClient, 'secrets'> }
  questions: Pick<Questions, 'confirm' | 'show'>
  /** Loads the keychain as this program reads it. */
  keychain?: () => Keychain
  platform?: NodeJS.Platform
}

/** The core reads at most 64 KB at once: these are less, however long each is. */
const itemsAtOnce = 8

type HandedOver = 'nothing' | 'declined' | 'done' | 'failed'

/**
 * Secrets that an older Zotbar stored are this app's in the eyes of macOS, which would ask about each of them when the
 * core reads it. Asks once, reads them here, and hands them to the core. To be called once in a life of the app: who
 * declines is asked again at its next start.
 */
export async function handOverOlderSecrets({
  connection,
  questions,
  keychain = loadKeychain,
  platform = process.platform,
}: Options): Promise<HandedOver> {
  // Elsewhere no item of a keychain belongs to a program.
  if (platform !== 'darwin') return 'nothing'
  const { secrets } = connection.as('app')
  const listed = await secrets.olderApp({})
  if (!listed.ok || listed.value.accounts.length === 0) return 'nothing'
  const { accounts } = listed.value
  const agreed = await questions.confirm({
    title: `Take over ${count(accounts.length, 'secret')} of the older Zotbar?`,
    body: [
      'Zotbar now stores its secrets from its background process. macOS lets only the app read what the older Zotbar stored:',
      ...accounts.map(account => `• ${nameOf(account)}`),
      'They are read here and stored anew, once. Otherwise macOS asks you for each of them when it is needed.',
    ].join('\n'),
    confirm: 'Take over',
  })
  if (!agreed) return 'declined'
  const { items, unread } = await readAll(accounts, keychain)
  const lines = [...unread]
  for (let from = 0; from < items.length; from += itemsAtOnce) {
    const answer = await secrets.takeOver({ items: items.slice(from, from + itemsAtOnce) })
    if (!answer.ok) {
      lines.push(`${failureMessage(answer.error).title}.`)
      break
    }
    for (const { account, error } of answer.value.failed)
      lines.push(problem(account, failureMessage(error).title))
  }
  if (lines.length === 0) return 'done'
  await questions.show({
    title: 'Not every secret was taken over',
    body: [
      ...lines,
      'Nothing is lost: the keychain still has them. You are asked again at the next start.',
    ].join('\n'),
  })
  return 'failed'
}

interface Read {
  items: { account: string; secret: string | null }[]
  /** A line for each that the keychain does not give out. */
  unread: string[]
}

/** One after the other: macOS may ask for each. */
async function readAll(accounts: readonly string[], load: () => Keychain): Promise<Read> {
  const read: Read = { items: [], unread: [] }
  let opened: Keychain | undefined
  for (const account of accounts) {
    try {
      opened ??= load()
      read.items.push({ account, secret: await opened.getPassword(keychainService, account) })
    } catch (error) {
      read.unread.push(
        problem(account, error instanceof Error ? error.message.split('\n')[0] : String(error)),
      )
    }
  }
  return read
}

const problem = (account: string, reason = ''): string => `${nameOf(account)}: ${reason.replace(/\.$/, '')}.`

/** An account of the keychain, for people. */
function nameOf(account: string): string {
  const [kind, registry = '', user = ''] = account.split('/').map(decoded)
  if (kind === 'key') return `a key of ${user} for ${registry}`
  if (account === 'forgejo-token') return 'the access token for Forgejo'
  return `the password of ${account}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
