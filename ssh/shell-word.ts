/** A path as one word of a command line, for any shell that takes single quotes; `~/` at its start stays the home folder. */
export function shellWord(path: string): string {
  const [, home = '', rest = ''] = /^(~\/)?(.*)$/s.exec(path) ?? []
  return `${home}'${rest.replaceAll("'", `'\\''`)}'`
}
