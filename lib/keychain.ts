import { createRequire } from 'node:module'

/** The part of keytar that is used. */
export interface Keychain {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

/** Under which every secret of Zotbar lies in a keychain. */
export const keychainService = 'Zotbar'

/**
 * The system's keychain. Throws where there is none to load: on Linux without libsecret.
 * https://github.com/github/node-keytar
 */
export function loadKeychain(): Keychain {
  const loaded: unknown = createRequire(import.meta.url)('keytar')
  if (!isKeychain(loaded)) throw new Error('keytar is of another shape')
  return loaded
}

const isKeychain = (loaded: unknown): loaded is Keychain =>
  typeof loaded === 'object' &&
  loaded !== null &&
  'getPassword' in loaded &&
  'setPassword' in loaded &&
  'deletePassword' in loaded
