/** Not those of files that hold it: where a secret lies is none. */
const secretName = String.raw`(?<![\w.-])[\w.-]*?(?:secret|(?<!ht)passw|passphrase|token|hash_?key|encrypt_?key|access_?key|api[_-]?key|authorization)(?![\w.-]{0,60}(?:file|path))[\w.-]{0,60}`
const whole = new RegExp(`^${secretName}$`, 'i')

/** Whether what a config file has under a key of this name would let its reader in. */
export const isSecretName = (name: string): boolean => whole.test(name)

/** As JSON: one string or a list of them, perhaps cut off. */
const cookieInJson = /("(?:set-)?cookie2?" ?: ?)(?:\[(?:"(?:[^"\\]|\\.)*"?,? ?)*\]?|"(?:[^"\\]|\\.)*"?)/gi
/** As a header, or JSON within a string of JSON: up to the end of that. */
const cookieInText =
  /(\b(?:set-)?cookie2?(?:\\+")? ?[:=] ?\[?(?:\\+")?)(?=[^\s"=:]+=)(?:="[^"\n]*"|[^"\\\n]|\\.)*/gi

const userInUrl = /(:\/\/)([^\s/"']+)@/g
const secretInLine: readonly [RegExp, string][] = [
  [userInUrl, '$1***@'],
  [/\b(Basic|Bearer) [\w.~+/=-]{16,}/gi, '$1 ***'],
  [cookieInJson, '$1"***"'],
  [cookieInText, '$1***'],
  // Requests of a rotation are known by it: nobody else is to send it.
  [/\b(zotbar \(run )[0-9a-f]+/gi, '$1***'],
  [/\bzak_\w+/g, 'zak_***'],
  [new RegExp(String.raw`(${secretName}=)[^\s&"',;]+`, 'gi'), '$1***'],
  [new RegExp(String.raw`("${secretName}" ?: ?\[?")(?:[^"\\]|\\.)+`, 'gi'), '$1***'],
]

/** A line of a program's log without what would let its reader in: passwords, keys, tokens, cookies. */
export const maskSecretsIn = (text: string): string =>
  secretInLine.reduce((masked, [form, mask]) => masked.replace(form, mask), text)

/** What says no more than that something is on, off or not there. */
const plainValue = /^(?:true|false|null|""|'')$/
/** Quoted; a list of JSON; a block of lines; a list of YAML; any other text up to the end of its line, as YAML ends it there; what is cut off. */
const secretValue = [
  String.raw`"(?:[^"\\]|\\.)*"`,
  `'(?:[^']|'')*'`,
  String.raw`\[[^\]]*\]`,
  String.raw`[|>][-+\d]*[ \t]*(?:\n[ \t]+[^\n]*|\n(?=\n))+`,
  String.raw`-[ \t][^\n]*(?:\n[ \t]*-[ \t][^\n]*)*`,
  String.raw`(?:true|false|null)(?=[ \t]*(?:[,}\r\n]|$))`,
  String.raw`[^\s,{}[\]#"'|>][^\n]*`,
  String.raw`["'[][^\n]*`,
].join('|')
/** A value may stand in the line after its key, where that does not begin an object. */
const toValue = String.raw`[ \t]*:[ \t]*(?:\n[ \t]*(?!["']?[\w.-]+["']?[ \t]*:(?:\s|$)))?`
const secretInConfig = new RegExp(`(["']?${secretName}["']?${toValue})(${secretValue})`, 'gi')

/** The text of a config file, JSON or YAML, whole or not, with `hide(secret)` in place of each secret. */
export const hideSecretsIn = (text: string, hide: (secret: string) => string): string =>
  text
    .replace(secretInConfig, (found, key: string, value: string) =>
      plainValue.test(value) ? found : `${key}"${hide(value)}"`,
    )
    .replace(userInUrl, (_, scheme: string, user: string) => `${scheme}${hide(user)}@`)
