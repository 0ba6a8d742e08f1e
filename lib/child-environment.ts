/** What a child needs to find its programs, its home, its language and the way out; everything else stays here. */
const allowed = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  // How long API keys may live, for the registry.
  'ZOTBAR_KEY_DEFAULT_DAYS',
  'ZOTBAR_KEY_MAX_DAYS',
  // How long its tokens live.
  'ZOTBAR_TOKEN_SECONDS',
  // macOS: the encoding of the user's text.
  '__CF_USER_TEXT_ENCODING',
])

/**
 * The environment for a child process: an allow-list, because a variable that we do not know may hold a secret.
 * A proxy's address is passed on only without a password in it.
 */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const entries: [string, string][] = []
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    const upper = name.toUpperCase()
    const known =
      allowed.has(name) || /^LC_[A-Z]+$/.test(name) || (upper.endsWith('_PROXY') && allowed.has(upper))
    if (known && !(upper.endsWith('_PROXY') && /^[^/]*\/\/[^/@]*:[^/@]*@|^[^/]*:[^/]*@/.test(value)))
      entries.push([name, value])
  }
  return Object.fromEntries(entries)
}
