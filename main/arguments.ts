/** The value of `--name VALUE` or `--name=VALUE`; undefined where it is not there or has no value. */
export function argumentOf(argv: readonly string[], name: string): string | undefined {
  const at = argv.findIndex(argument => argument === name || argument.startsWith(`${name}=`))
  const argument = argv[at]
  if (argument === undefined) return undefined
  const value = argument === name ? argv[at + 1] : argument.slice(name.length + 1)
  return value === undefined || value === '' || value.startsWith('--') ? undefined : value
}
