import { fail, ok, type Result } from '../contract/result.ts'

/** Where to connect to, as the user wrote it: what is left out comes from ~/.ssh/config or is ssh's default. */
export interface SshTarget {
  host: string
  user?: string
  port?: number
}

/** The forms that are understood, for messages. */
const targetForms = 'HOST, USER@HOST or USER@HOST:PORT; an IPv6 address in brackets'

const form =
  /^(?:(?<user>[^\s@:/-][^\s@:/]*)@)?(?<host>[\w.-]+|\[[0-9a-fA-F:.]+(?:%\w+)?\])(?::(?<port>\d{1,5}))?$/

/** Reads "host", "user@host", "user@host:port". Error: bad-input. */
export function parseTarget(text: string): Result<SshTarget> {
  const { user, host, port } = form.exec(text)?.groups ?? {}
  const number = port === undefined ? undefined : Number(port)
  if (host === undefined || host.startsWith('-') || (number !== undefined && (number < 1 || number > 65_535)))
    return fail({ code: 'bad-input', field: 'host', wrong: text.slice(0, 200), allowed: targetForms })
  return ok({
    host: host.replace(/^\[|\]$/g, ''),
    ...(user === undefined ? {} : { user }),
    ...(number === undefined ? {} : { port: number }),
  })
}

/** A host as known_hosts names it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export const knownName = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
