import { readFile } from 'node:fs/promises'
import { readListenAddress } from '../../registry/config/listen-address.ts'

export interface Address {
  url: string
  host: string
  port: number
}

/**
 * Where a registry would answer, from what can still be read of a config.json with mistakes in it, JSON or not:
 * the port, the address and whether there is TLS. Undefined without a port that could be one.
 */
export async function addressIn(configFile: string): Promise<Address | undefined> {
  const text = await readFile(configFile, 'utf8').catch(() => '')
  return readAddress(text)
}

/** The same for the text itself. */
export function readAddress(text: string): Address | undefined {
  const section = /"http"\s*:\s*\{([\s\S]*)/i.exec(text)?.[1] ?? ''
  const port = Number(/"port"\s*:\s*"?(\d{1,5})\b/i.exec(section)?.[1])
  if (!(port >= 1 && port <= 65_535)) return undefined
  const named = /"address"\s*:\s*"([^"]*)"/i.exec(section)?.[1] ?? ''
  const host = readListenAddress(named)?.host ?? '127.0.0.1'
  const scheme = /"tls"\s*:\s*\{/i.test(section) ? 'https' : 'http'
  return { url: `${scheme}://${host}:${port}`, host, port }
}
