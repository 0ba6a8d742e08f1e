/** A word of a shell, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * A line for a shell that runs `line`, by `shell`, once the key is there. Were the app killed before it gave the key,
 * the command would read an empty input, and most would keep that in the place of a key that works.
 */
export function onceWhole(line: string, shell: string): string {
  const script = `k=$(cat); [ -n "$k" ] || exit 75; printf %s "$k" | ${shell} -c ${quoted(line)}`
  return `exec /bin/sh -c ${quoted(script)}`
}
