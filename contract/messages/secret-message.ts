import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import { duration } from './format.ts'
import type { FailureMessage } from './message.ts'

/** What can go wrong with the backend of secrets, and with the spec of a sink. */
type SecretFailure = Extract<
  Failure,
  {
    code:
      | 'keychain-locked'
      | 'keychain-denied'
      | 'keychain-unavailable'
      | 'keychain-silent'
      | 'no-secret-store'
      | 'key-file-unusable'
      | 'secret-store-locked'
      | 'secret-store-wrong-key'
      | 'secret-store-damaged'
      | 'secret-not-kept'
      | 'key-not-kept'
      | 'bad-sink'
  }
>

export function secretFailureMessage(error: SecretFailure): FailureMessage {
  switch (error.code) {
    case 'keychain-locked':
      return {
        title: 'The keychain is locked',
        steps: [`It says: ${error.reason}.`, 'Unlock it, then try again. Nothing was written elsewhere.'],
      }
    case 'keychain-denied':
      return {
        title: 'The keychain does not let Zotbar in',
        steps: [`It says: ${error.reason}.`, 'Allow Zotbar when it asks, then try again.'],
      }
    case 'keychain-unavailable':
      return {
        title: 'The keychain cannot be used',
        steps: [
          `It says: ${error.reason}.`,
          'The keys are in it, so nothing was written elsewhere. Bring it back, then try again.',
        ],
      }
    case 'keychain-silent':
      return {
        title: 'The keychain does not answer',
        steps: [
          `It was waited for ${duration(error.limitMs)}; it may be asking on a screen nobody sees.`,
          'Unlock it, or start Zotbar within your desktop session, then try again.',
        ],
      }
    case 'no-secret-store':
      return {
        title: 'There is no safe backend for a key',
        steps: [
          `The keychain cannot be used: ${error.reason}.`,
          'Make a key file and name it: (umask 077; openssl rand -out FILE 32), then zotbar settings set secrets.keyFile FILE',
          'Or give a passphrase each time Zotbar starts: zotbar keys unlock',
          'Or insist on a file that is not encrypted: zotbar settings set secrets.plain true',
        ],
      }
    case 'key-file-unusable':
      return {
        title: 'The key file cannot be used',
        steps: [
          `${error.file}: ${error.reason}.`,
          'It unlocks the file that keys are stored in. Correct it, or name another: zotbar settings set secrets.keyFile FILE',
        ],
      }
    case 'secret-store-locked':
      return {
        title: 'The file with the keys is locked',
        steps: [
          `${error.file} is encrypted with a passphrase, which is forgotten when Zotbar ends.`,
          'Give it again: zotbar keys unlock',
        ],
      }
    case 'secret-store-wrong-key':
      return {
        title:
          error.by === 'passphrase'
            ? 'This passphrase does not unlock the keys'
            : 'This key file does not unlock the keys',
        steps: [
          `${error.file} was encrypted with another one, or its beginning is damaged. It was left as it is.`,
          error.by === 'passphrase'
            ? 'Give the passphrase that it was made with.'
            : 'Put the key file back as it was, or name it: zotbar settings set secrets.keyFile FILE',
        ],
      }
    case 'secret-store-damaged':
      return {
        title: 'The file with the keys is damaged',
        steps: [
          `${error.file}: ${error.reason}. It was left as it is.`,
          'Put it back from a backup. Without one, move it away and let Zotbar manage new keys.',
        ],
      }
    case 'secret-not-kept':
      return {
        title: 'The key could not be stored',
        steps: [
          `What was written to ${error.where} could not be read back the same.`,
          'Look at it, then try again.',
        ],
      }
    case 'key-not-kept':
      return {
        title: `No key of ${error.user} is stored`,
        steps: [
          `Looked for the ${error.slot} key for ${error.registry}.`,
          `Let Zotbar manage one: zotbar keys manage ${error.user} --key-stdin`,
        ],
      }
    case 'bad-sink':
      return {
        title: 'The sink for the key was not understood',
        steps: [`${error.sink}: ${error.wrong}.`, `Allowed: ${error.allowed}.`],
      }
    default:
      return unreachable(error)
  }
}
