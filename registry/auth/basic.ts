export interface Basic {
  readonly user: string
  readonly password: string
}

const form = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i

/**
 * Reads an Authorization header. `none`: nobody claims to be anybody (Docker sends an empty pair, too).
 * https://www.rfc-editor.org/rfc/rfc7617
 */
export function parseBasic(header: string): Basic | 'none' | 'malformed' {
  if (header === '') return 'none'
  const encoded = form.exec(header)?.[1]
  if (encoded === undefined) return 'malformed'
  const text = Buffer.from(encoded, 'base64').toString()
  if (text === ':') return 'none'
  const colon = text.indexOf(':')
  // A zero byte ends a password for some of the programs that make htpasswd files.
  if (colon < 1 || text.includes('\0')) return 'malformed'
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The value of a cookie that came exactly once: of two, one was planted. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  const found = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}
