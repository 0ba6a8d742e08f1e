/** What `checksums.sha256.txt` says of a file: 64 hex digits; undefined where it does not name it. sha256sum(1). */
export function checksumIn(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const found = /^([0-9a-fA-F]{64})\s+\*?(\S+)\s*$/.exec(line)
    if (found?.[2] === name || found?.[2] === `./${name}`) return found[1]?.toLowerCase()
  }
  return undefined
}
