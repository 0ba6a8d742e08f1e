import type { Failure } from '../failure.ts'
import type { FailureMessage } from './message.ts'

type RotationFailure = Extract<
  Failure,
  {
    code:
      | 'key-not-managed'
      | 'no-key-of-user'
      | 'key-needed'
      | 'key-not-given'
      | 'key-malformed'
      | 'key-not-accepted'
      | 'key-in-use'
      | 'key-unidentified'
      | 'key-label-refused'
      | 'nothing-retiring'
      | 'key-elsewhere'
      | 'sign-in-ended'
      | 'sign-in-not-here'
  }
>

const signInEnds = {
  closed: 'The window was closed.',
  'too-slow': 'The window was open for ten minutes, and was closed.',
  blocked: 'The sign-in led to an address that was not agreed to.',
}

/** What can go wrong with managed keys. */
export function rotationFailureMessage(error: RotationFailure): FailureMessage {
  switch (error.code) {
    case 'key-not-managed':
      return {
        title: `Zotbar manages no key of ${error.user} here`,
        steps: [
          ...(error.known.length > 0 ? [`Managed: ${error.known.join(', ')}.`] : []),
          `Let Zotbar manage it: zotbar keys manage ${error.user} --key-stdin`,
        ],
      }
    case 'no-key-of-user':
      return {
        title: `No key of ${error.user} is known here`,
        steps: [
          ...(error.known.length > 0 ? [`There are keys of ${error.known.join(', ')}.`] : []),
          'All that can be reached: zotbar keys list',
        ],
      }
    case 'key-needed':
      return {
        title: `A key of ${error.user} is needed`,
        steps: [
          'This engine lets Zotbar create keys for nobody but itself.',
          `Sign in at the registry as ${error.user}, create a key, and give it: zotbar keys manage ${error.user} --key-stdin`,
        ],
      }
    case 'key-not-given':
      return {
        title: `A new key of ${error.user} is needed, and none was given`,
        steps: [
          `The key in use cannot create it, and nobody else may create one for ${error.user}.`,
          `Sign in at the registry as ${error.user}${error.signIn === undefined ? '' : ` (${error.signIn})`}, create a key, and give it: zotbar keys manage ${error.user} --key-stdin`,
          `Or paste it where you are asked for it, on a terminal: zotbar keys rotate ${error.user}`,
          'While a rotation waits for it: zotbar runbooks answer --key-stdin',
        ],
      }
    case 'key-malformed':
      return {
        title: 'That is not an API key',
        steps: [`${error.reason}. A key is zak_ and 32 characters of 0 to 9 and a to f.`],
      }
    case 'key-not-accepted':
      return error.owner === undefined
        ? {
            title: `The registry does not accept this key for ${error.user}`,
            steps: [
              `It was revoked, has ended, or belongs to another user. Create one as ${error.user} and try again.`,
            ],
          }
        : {
            title: `This is a key of ${error.owner}, not of ${error.user}`,
            steps: [`Create one as ${error.user} and try again.`],
          }
    case 'key-in-use':
      return {
        title: `This is the key of ${error.user} that is to be replaced`,
        steps: [`Create a new one as ${error.user} and paste that.`],
      }
    case 'key-unidentified':
      return {
        title: `It cannot be told which of the keys of ${error.user} this is`,
        steps: ['It is being used by others at this moment. Try again, or revoke the keys that nobody uses.'],
      }
    case 'key-label-refused':
      return {
        title: 'The label of a key is one line',
        steps: [
          'At most 200 characters, no line breaks or control characters. Change it: zotbar settings set rotation.label',
        ],
      }
    case 'key-elsewhere':
      return {
        title: `The key of ${error.user} is one for ${error.registry}`,
        steps: [
          `The registry here is ${error.here}.`,
          `Let Zotbar manage a key for it: zotbar keys manage ${error.user} --key-stdin`,
        ],
      }
    case 'nothing-retiring':
      return {
        title: `No older key of ${error.user} is waiting to be revoked`,
        steps: ['See which keys are managed: zotbar keys managed'],
      }
    case 'sign-in-ended':
      return {
        title: `Nobody signed in as ${error.user}`,
        steps: [
          signInEnds[error.why],
          ...(error.blocked.length > 0 ? [`It was not let go to ${error.blocked.join(', ')}.`] : []),
          'Sign in again, or create a key elsewhere and paste it. No key was created.',
        ],
      }
    case 'sign-in-not-here':
      return {
        title: 'There is no window to sign in with here',
        steps: [`Sign in as ${error.user} in a browser, create a key there, and paste it.`],
      }
  }
}
