export interface TargetRules {
  /** Origins that may be returned to, from callbackAllowOrigins; as the config has them. */
  readonly allowed: readonly string[]
  readonly externalUrl: string | undefined
}

/** Browsers drop tabs and newlines and read a backslash as a slash; none of them belongs into an address. */
const odd = /[\\\s\p{Cc}]/u
/** Never matched by a path of ours; only there to resolve paths against. */
const nowhere = 'http://target.invalid'

/**
 * Where a browser goes after signing in: a path here, or an address at an origin that the config names.
 * Everything else becomes `/`, so that a link to the sign-in never leads to somebody else's page.
 */
export function safeTarget(target: string, { allowed, externalUrl }: TargetRules): string {
  if (target === '' || odd.test(target)) return '/'
  if (target.startsWith('/')) {
    const url = parse(target, nowhere)
    // `//host` is another host. So would `/./` before `/host` be once a proxy has tidied it up.
    if (url?.origin !== nowhere || url.pathname.startsWith('//') || hidesSlash(url.pathname)) return '/'
    return url.pathname + url.search + url.hash
  }
  if (!/^https?:\/\/[^/]/i.test(target)) return '/'
  const url = parse(target)
  // A name and password before the host only serve to deceive.
  if (url === undefined || url.username !== '' || url.password !== '') return '/'
  const origins = [...allowed, ...(externalUrl === undefined ? [] : [externalUrl])]
  return origins.some(origin => parse(origin)?.origin === url.origin) ? url.href : '/'
}

/** Escaped slashes right at the beginning, for servers in between that unescape. */
const hidesSlash = (path: string): boolean => /^\/(%2f|%5c|%09|%0a|%0d)/i.test(path)

function parse(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined
}
