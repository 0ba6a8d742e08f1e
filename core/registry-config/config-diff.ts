import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { hideSecretsIn } from '../platform/secret-text.ts'

/** Finding more changed lines than this would hold up everything else. */
const maxChangedLines = 1000

/** What changes from one text of a config file to another, unified. Secrets are numbered, so that another one is seen. */
export function configDiff(from: { name: string; text: string }, to: { name: string; text: string }): string {
  const numbers = new Map<string, number>()
  const hide = (secret: string): string => {
    const number = numbers.get(secret) ?? numbers.size + 1
    numbers.set(secret, number)
    return `(hidden ${number})`
  }
  const [before, after] = [hideSecretsIn(from.text, hide), hideSecretsIn(to.text, hide)]
  const patch = createTwoFilesPatch(from.name, to.name, before, after, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
    maxEditLength: maxChangedLines,
  })
  return patch?.trimEnd() ?? `--- ${from.name}\n+++ ${to.name}\nMore than ${maxChangedLines} lines differ.`
}
