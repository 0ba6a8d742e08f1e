/** The value of `--name VALUE` or `--name=VALUE`; undefined where it is not there or has no value. */
export function argumentOf(argv: readonly string[], name: string): string | undefined {
  const at = argv.findIndex(part => part === name || part.startsWith(`${name}=`))
  const found = argv[at]
  if (found === undefined) return undefined
  const value = found === name ? argv[at + 1] : found.slice(name.length + 1)
  return value === undefined || value === '' || value.startsWith('--') ? undefined : value
}
