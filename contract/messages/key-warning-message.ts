import type { AccessRule, KeyWarning } from '../key.ts'

/** A warning about a new key as a person reads it; `rule` is the missing policy, to be pasted into config.json. */
export interface KeyWarningMessage {
  title: string
  detail: string
  rule?: {
    /** Where it belongs, one sentence. */
    place: string
    /** JSON. */
    text: string
    /** What follows from it, and what it does not give. */
    hint: string
  }
}

export function keyWarningMessage(warning: KeyWarning): KeyWarningMessage {
  const { user } = warning
  switch (warning.code) {
    case 'user-unknown':
      return {
        title: `Nobody here is called ${user}`,
        detail: `No htpasswd and no rule of config.json has this name, and nobody has signed in with it. The key is ${user}’s all the same: check the spelling.`,
      }
    case 'no-rights':
      return {
        title: `${user} may neither pull nor push`,
        detail: 'The key signs in, and everything else that it asks for is denied.',
        rule: ruleMessage(warning.rule),
      }
    case 'read-only':
      return {
        title: `${user} may pull, and not push`,
        detail: 'A push with this key is denied.',
        rule: ruleMessage(warning.rule),
      }
    default:
      return unknownWarning(warning)
  }
}

function ruleMessage({ pattern, isNew, users, actions }: AccessRule): NonNullable<KeyWarningMessage['rule']> {
  const policy = JSON.stringify({ users, actions }, null, 1).replace(/\s+/g, ' ')
  const name = JSON.stringify(pattern)
  return {
    place: isNew
      ? 'Add this to http.accessControl.repositories in config.json:'
      : `Add this to the list "policies" of ${name} in http.accessControl.repositories of config.json, or make that list of it:`,
    text: isNew ? `${name}: { "policies": [${policy}] }` : policy,
    hint: `It counts once config.json is saved, in every repository for which ${name} is the longest pattern that matches.${
      actions.includes('create') && !actions.includes('update')
        ? ' With "update" the key may also move a tag that is there, such as latest.'
        : ''
    }`,
  }
}

/** What a newer core of the same contract may warn of and this program does not know. */
function unknownWarning(warning: never): KeyWarningMessage {
  const { code }: { code?: unknown } = warning
  return {
    title: `Zotbar warns of something that is not known here: ${String(code).slice(0, 100)}`,
    detail: 'What runs is newer than this: its own window and command line say more.',
  }
}

/** The command that signs in with a key; it reads the key from its standard input. */
export const loginCommand = (registry: string, user: string): string =>
  `docker login ${registry} -u ${quoted(user)} --password-stdin`

/** As one argument for a POSIX shell, also where the name has spaces or quotes. */
const quoted = (text: string): string =>
  /^[\w.@%+=:,/-]+$/.test(text) && !text.startsWith('-')
    ? text
    : `'${text.replaceAll("'", String.raw`'\''`)}'`
