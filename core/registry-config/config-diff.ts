import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

const secretKey = String.raw`[\w.-]*(?:secret|passw|token|hashkey|encryptkey|accesskey|api_?key)[\w.-]*`
/** A value of JSON or YAML: quoted, a list, a block, a bare word, or what is left of one that is cut off. */
const secretValue = String.raw`"(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|[|>][+-]?[ \t]*(?:\n[ \t]+[^\n]*)+|[^\s,{}[\]#"'|>][^\n,}]*|["'][^\n]*`
const secretIn = new RegExp(String.raw`(["']?${secretKey}["']?[ \t]*:\s*)(${secretValue})`, 'gi')

/** What changes from one text of a config file to another, unified. Secrets are numbered, so that another one is seen. */
export function configDiff(from: { name: string; text: string }, to: { name: string; text: string }): string {
  const numbers = new Map<string, number>()
  const hide = (secret: string): string => {
    const number = numbers.get(secret) ?? numbers.size + 1
    numbers.set(secret, number)
    return `(hidden ${number})`
  }
  const hidden = (text: string): string =>
    text
      .replace(secretIn, (whole, key: string, value: string) =>
        /^(true|false|null|""|'')$/.test(value) ? whole : `${key}"${hide(value)}"`,
      )
      .replace(/(:\/\/)([^\s/@"']+)@/g, (_, scheme: string, user: string) => `${scheme}${hide(user)}@`)
  return createTwoFilesPatch(from.name, to.name, hidden(from.text), hidden(to.text), undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  }).trimEnd()
}
