import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import { duration, imageReference } from './format.ts'
import type { FailureMessage } from './message.ts'

/** What can go wrong with the images, the keys and the accounts of a registry that runs. */
type RegistryFailure = Extract<
  Failure,
  {
    code:
      | 'registry-not-serving'
      | 'image-not-found'
      | 'registry-denied'
      | 'registry-refused'
      | 'registry-unreachable'
      | 'registry-silent'
      | 'repository-unreadable'
      | 'keys-need-admin-socket'
      | 'keys-off'
      | 'key-not-found'
      | 'key-refused'
      | 'secret-gone'
      | 'admin-not-ours'
      | 'admin-password-unknown'
  }
>

/** The message for what a registry that runs refuses. */
export function registryFailureMessage(error: RegistryFailure): FailureMessage {
  switch (error.code) {
    case 'registry-not-serving':
      return {
        title: 'The registry does not serve',
        steps: ['Only a registry that serves can be asked for this. Start it: zotbar restart'],
      }
    case 'image-not-found':
      return {
        title:
          error.reference === undefined
            ? `There is no repository ${error.repository}`
            : `${imageReference(error.repository, error.reference)} is not there`,
        steps: ['It may have been deleted in the meantime. See what is there: zotbar images list'],
      }
    case 'registry-denied':
      return {
        title: `The registry does not let Zotbar ${error.what}`,
        steps: [
          error.user === undefined
            ? `It answers ${error.status} without a credential, and Zotbar has none for it.`
            : `It answers ${error.status} to ${error.user}, the user that Zotbar asks as.`,
          'Look at http.accessControl in config.json, or do it with a client that is signed in.',
        ],
      }
    case 'registry-refused':
      return {
        title: `The registry did not ${error.what}`,
        steps: [`It answers ${error.status}${error.reason === '' ? '' : `: ${error.reason}`}.`],
      }
    case 'registry-unreachable':
      return {
        title: 'The registry does not answer',
        steps: [`${error.reason}.`, 'See how it is: zotbar status'],
      }
    case 'registry-silent':
      return {
        title: `The registry did not ${error.what} to the end`,
        steps: [
          `It began, and then said nothing for ${duration(error.limitMs)}.`,
          'Try it again, or see how it is: zotbar status',
        ],
      }
    case 'repository-unreadable':
      return {
        title: `The repository ${error.repository} cannot be read`,
        steps: [
          `The registry says: ${error.reason}. All other repositories are served and listed.`,
          'Where access is denied, give your user access to its folder in the data folder.',
          'Where its index.json is damaged, bring that file back from a backup. Without one, move it away and push the images again.',
        ],
      }
    case 'keys-need-admin-socket':
      return {
        title: 'Keys of other users cannot be reached here',
        steps: [
          error.user === undefined
            ? `${error.engine} gives keys only to the user they belong to, and Zotbar holds nobody's password.`
            : `${error.engine} gives keys only to the user they belong to, and Zotbar holds the password of ${error.user} alone.`,
          ...(error.managed === undefined
            ? []
            : [
                `Of the managed keys of ${error.managed.join(', ')} the secret cannot be read: zotbar keys managed`,
              ]),
          'zotbar-registry makes keys for every user; with zot, each user makes their own after signing in.',
        ],
      }
    case 'keys-off':
      return {
        title: 'This registry has no API keys',
        steps: ['Set http.auth.apikey to true in config.json, then: zotbar restart'],
      }
    case 'key-not-found':
      return {
        title: `There is no key ${error.uuid}`,
        steps: ['It may have been revoked already. List them: zotbar keys list'],
      }
    case 'key-refused':
      return { title: 'The key was not created', steps: [`${error.reason}.`] }
    case 'secret-gone':
      return {
        title: 'The secret of this key cannot be shown any more',
        steps: ['It is shown once, within ten minutes. Revoke the key and create another.'],
      }
    case 'admin-not-ours':
      return {
        title: 'The accounts here are not Zotbar’s',
        steps: [
          error.htpasswd === undefined
            ? `${error.configFile} names no htpasswd file.`
            : `${error.htpasswd} was not written by Zotbar, so it is left alone.`,
          'Change a password there yourself: htpasswd -B FILE USER',
        ],
      }
    case 'admin-password-unknown':
      return {
        title: `The password of ${error.user} is not known here`,
        steps: [
          error.reason === undefined
            ? `Only its hash is in ${error.htpasswd}; the secret is gone from the keychain or its file.`
            : `Only its hash is in ${error.htpasswd}; there is no file with the secret, and the keychain cannot be used: ${error.reason}.`,
          'Make a new one: zotbar admin reset',
        ],
      }
    default:
      return unreachable(error)
  }
}
