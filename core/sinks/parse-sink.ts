import { homedir } from 'node:os'
import { isAbsolute, join, normalize } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SinkKind } from './sink.ts'

/** Where an Actions secret belongs. */
export type SecretScope =
  | { level: 'repository'; owner: string; repository: string }
  | { level: 'organisation'; organisation: string }
  | { level: 'user' }

type SinkTarget =
  | { kind: 'file' | 'authfile'; path: string }
  | { kind: 'command'; line: string }
  | { kind: 'ssh'; host: string; line: string }
  | { kind: 'op'; vault: string; item: string; field: string }
  | { kind: 'forgejo'; scope: SecretScope; name: string }

/** A spec that was understood; `id` as the user wrote it. */
export type ParsedSink = SinkTarget & { id: string }

/** Every kind, with an example of each. */
const sinkSpecs: Record<SinkKind, string> = {
  file: 'file:/absolute/path',
  authfile: 'authfile:/absolute/path/auth.json',
  command: 'command:LINE',
  ssh: 'ssh:HOST:LINE',
  op: 'op:VAULT/ITEM/FIELD',
  forgejo: 'forgejo:OWNER/REPO/NAME, forgejo:org:ORG/NAME or forgejo:user:NAME',
}

const maxSpecChars = 4000

/** Reads a spec of the command line. Fails with `bad-sink`, saying what is wrong and what is allowed. */
export function parseSink(spec: string): Result<ParsedSink> {
  const id = spec.slice(0, 200)
  const refuse = (problem: string, allowed: string) =>
    fail({ code: 'bad-sink', sink: shown(id), wrong: problem, allowed } satisfies Failure)
  const colon = spec.indexOf(':')
  const kind = colon < 0 ? '' : spec.slice(0, colon)
  if (!isKind(kind)) return refuse('it begins with no known kind', Object.values(sinkSpecs).join('; '))
  if (spec.length > maxSpecChars) return refuse('it is too long', `${maxSpecChars} characters`)
  const rest = spec.slice(colon + 1)
  // A line of a shell may have several lines of text, but no NUL.
  const forbidden = kind === 'command' || kind === 'ssh' ? /\0/ : /\p{Cc}/u
  if (forbidden.test(rest)) return refuse('it has a control character', sinkSpecs[kind])
  const target = targetOf(kind, rest)
  return typeof target === 'string' ? refuse(target, sinkSpecs[kind]) : ok({ id: spec, ...target })
}

/** A target, or what is wrong with the spec. */
function targetOf(kind: SinkKind, rest: string): SinkTarget | string {
  switch (kind) {
    case 'file':
    case 'authfile':
      return fileTarget(kind, rest)
    case 'command':
      return rest.trim() === '' ? 'there is no command line' : { kind, line: rest }
    case 'ssh':
      return sshTarget(rest)
    case 'op':
      return opTarget(rest)
    case 'forgejo':
      return forgejoTarget(rest)
  }
}

function fileTarget(kind: 'file' | 'authfile', rest: string): SinkTarget | string {
  if (rest === '') return 'there is no path'
  const path = rest.startsWith('~/') ? join(homedir(), rest.slice(2)) : rest
  if (!isAbsolute(path)) return 'the path is not absolute, and the app runs in another folder'
  if (path.endsWith('/')) return 'the path names a folder'
  return { kind, path: normalize(path) }
}

/** "host:line", "user@host:line", "user@host:22:line", "[::1]:line", "[::1]:22:line". A line does not begin with a port. */
function sshTarget(rest: string): SinkTarget | string {
  const match = /^((?:[^\s:@[\]]+@)?(?:\[[0-9a-fA-F:.%]+\]|[^\s:@[\]]+)(?::\d{1,5}(?=:))?):(.*)$/s.exec(rest)
  const [, host, line] = match ?? []
  if (host === undefined || line === undefined) return 'there is no host, or nothing after it'
  if (host.startsWith('-')) return 'a host does not begin with -'
  if (line.trim() === '') return 'there is no command line after the host'
  return { kind: 'ssh', host, line }
}

/** What a secret reference of 1Password may have; for other names there is the id. */
const reference = /^[A-Za-z0-9_.][A-Za-z0-9_. -]*$/

function opTarget(rest: string): SinkTarget | string {
  const [vault, item, field, ...more] = rest.split('/')
  if (!vault || !item || !field || more.length > 0) return 'it has not three parts'
  const bad = [vault, item, field].find(part => !reference.test(part) || part.endsWith(' '))
  if (bad !== undefined)
    return `"${bad}" has signs that a secret reference cannot have (letters, digits, space, - _ . can be); its id can stand there`
  return { kind: 'op', vault, item, field }
}

/** https://forgejo.org/docs/latest/user/actions/ says what a name may be. */
function forgejoTarget(rest: string): SinkTarget | string {
  const [level, below] = /^(org|user):(.*)$/.exec(rest)?.slice(1) ?? []
  const segments = (below ?? rest).split('/')
  const name = segments.pop() ?? ''
  if (segments.length !== (level === undefined ? 2 : level === 'org' ? 1 : 0))
    return 'it has not the right number of parts'
  if (segments.some(segment => !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(segment)))
    return 'an owner or a repository has letters, digits and - _ . only'
  if (!/^[A-Z_][A-Z0-9_]*$/i.test(name))
    return `the name ${JSON.stringify(name)} must be letters, digits and _, and not begin with a digit`
  if (/^(GITHUB|GITEA|FORGEJO)_/i.test(name))
    return `the name ${name} is kept by the server: GITHUB_, GITEA_ and FORGEJO_ are its own`
  const [first = '', second = ''] = segments
  if (level === 'user') return { kind: 'forgejo', scope: { level }, name }
  if (level === 'org') return { kind: 'forgejo', scope: { level: 'organisation', organisation: first }, name }
  return { kind: 'forgejo', scope: { level: 'repository', owner: first, repository: second }, name }
}

const isKind = (kind: string): kind is SinkKind => Object.hasOwn(sinkSpecs, kind)

/** For a terminal: no control characters. */
const shown = (text: string): string => (text === '' ? 'nothing' : text.replace(/\p{Cc}/gu, '?'))
