import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import { shellWord } from '../../ssh/run-command.ts'

/** What the placeholders of a recipe stand for. */
export interface Placeholders {
  /** The tag, "v2.1.15". A recipe may do without. */
  version?: string
  /** Where the lines run; put in as one word. */
  folder: string
  /** The Go to build with, "1.25.7"; found out when it is needed where it is absent. */
  go?: string
  /** As Go names them: "linux", "darwin"; "amd64", "arm64". */
  os: string
  arch: string
}

const maxCommands = 100

/** Reads a recipe: a command per line, or a JSON array of them. Empty lines and `#` lines say nothing. Error: bad-recipe. */
export function parseRecipe(text: string): Result<string[]> {
  const bad = (reason: string) => fail({ code: 'bad-recipe', reason })
  if (text.includes('\0')) return bad('it has a zero byte')
  let lines = text.split(/\r?\n/)
  if (/^\s*\[\s*(["\]]|$)/.test(text)) {
    const read = parseJson(text)
    if (!Array.isArray(read) || !read.every(line => typeof line === 'string'))
      return bad('it begins like a JSON array of texts, and is none')
    if (read.some(line => /[\r\n]/.test(line))) return bad('one of its texts has more than one line')
    lines = read
  }
  const commands = lines.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
  if (commands.length === 0) return bad('it has no command')
  if (commands.length > maxCommands)
    return bad(`it has ${commands.length} commands; at most ${maxCommands} are taken`)
  return ok(commands)
}

/** Whether a text has a placeholder. `${go}` is a variable of the shell and left alone. */
export const hasPlaceholder = (name: 'go' | 'version', text: string): boolean =>
  new RegExp(`(?<!\\$)\\{${name}\\}`).test(text)

/** Puts the values in. What is no placeholder of ours stays as it is. */
export function fillPlaceholders(line: string, values: Placeholders): string {
  return line.replace(/(?<!\$)\{(version|folder|go|os|arch)\}/g, (whole, name) => {
    if (name === 'folder') return shellWord(values.folder)
    return values[name as 'version' | 'go' | 'os' | 'arch'] ?? whole
  })
}

/** The values become part of a command line, so they may be nothing but names. */
export function findBadPlaceholder({
  version,
  go,
}: Pick<Placeholders, 'version' | 'go'>): Failure | undefined {
  if (version !== undefined && !/^[\w][\w.+-]{0,99}$/.test(version))
    return {
      code: 'bad-input',
      field: 'version',
      wrong: version.slice(0, 100),
      allowed: 'a tag such as v2.1.15',
    }
  if (go !== undefined && !/^\d[\w.]{0,29}$/.test(go))
    return { code: 'bad-input', field: 'go', wrong: go.slice(0, 100), allowed: 'a version such as 1.25.7' }
  return undefined
}

/** The names that Go has for the system and processor of Node. */
export function goNames({ platform, arch }: { platform: string; arch: string }): {
  os: string
  arch: string
} {
  return { os: platform, arch: arch === 'x64' ? 'amd64' : arch }
}
