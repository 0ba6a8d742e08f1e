import { readFileSync } from 'node:fs'

declare const __ZOTBAR_VERSION__: string | undefined

/** The app's version: set when it is bundled, read from package.json when it runs from its sources. */
export function appVersion(): string {
  if (typeof __ZOTBAR_VERSION__ === 'string') return __ZOTBAR_VERSION__
  const read: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const version = typeof read === 'object' && read !== null && 'version' in read ? read.version : undefined
  return typeof version === 'string' ? version : '0.0.0'
}
