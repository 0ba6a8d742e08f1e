/** A word of a shell, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * A line for a shell that runs `line`, by `shell`, once the key is there. Were the app killed before it gave the key,
 * the command would read an empty input, and most would keep that in the place of a key that works. The key waits in a
 * positional parameter: no profile and no `set -a` can make the shell export one, as it would a variable.
 */
export function onceWhole(line: string, shell: string): string {
  const script = `set +x; set -- "$(cat)"; [ -n "$1" ] || exit 75; printf %s "$1" | ${shell} -c ${quoted(line)}`
  return `exec /bin/sh -c ${quoted(script)}`
}
