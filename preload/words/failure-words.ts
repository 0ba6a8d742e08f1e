import type { ConfigFault, Exit, Failure } from '../contract/failure.ts'
import { unreachable } from '../contract/result.ts'
import { capital, count, duration } from './format.ts'
import { hostFailureWords } from './host-words.ts'
import { holder, imageReference } from './names.ts'
import { releaseFailureWords } from './release-words.ts'
import { rotationFailureWords } from './rotation-words.ts'
import { secretFailureWords } from './secret-words.ts'

/** A failure as a person reads it: what happened, what it means, what to do. */
export interface FailureWords {
  title: string
  steps: string[]
}

/** "ended with exit code 2", "ended by signal SIGKILL". */
export function exitWords(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return `ended with exit code ${exit.code}`
    case 'signal':
      return `ended by signal ${exit.signal}`
    case 'unknown-adopted':
      return 'ended; its exit code is unknown, as it was adopted'
    case 'not-spawned':
      return `could not be started: ${exit.reason}`
    default:
      return unreachable(exit)
  }
}

/** One fault of config.json on one line: "line 4, column 3, http.port: is 70000; allowed: 0 to 65535". */
export function faultWords(fault: ConfigFault): string {
  const place = [
    fault.line === undefined
      ? ''
      : `line ${fault.line}${fault.column === undefined ? '' : `, column ${fault.column}`}`,
    fault.keyPath ?? '',
  ].filter(part => part !== '')
  const allowed = fault.allowed === undefined ? '' : `; allowed: ${fault.allowed}`
  return `${place.length === 0 ? '' : `${place.join(', ')}: `}${fault.message}${allowed}`
}

/** The only place where an error code becomes words. */
export function failureWords(error: Failure): FailureWords {
  switch (error.code) {
    case 'config-missing':
      return {
        title: 'The config file is not there',
        steps: [`${error.file} does not exist.`, 'Name another with --config FILE, or put it back.'],
      }
    case 'config-invalid':
      return {
        title: `config.json has ${error.faults.length === 1 ? 'a fault' : count(error.faults.length, 'fault')}`,
        steps: [error.file, ...error.faults.map(faultWords), 'Correct the file, then start again.'],
      }
    case 'data-volume-missing':
      return {
        title: 'The data volume is missing',
        steps: [
          `${error.path} cannot be opened, because ${error.parent} is not there.`,
          'Attach or mount the volume. The registry starts when it is back; nothing was created in its place.',
        ],
      }
    case 'data-unreadable':
      return {
        title: 'The data folder cannot be read',
        steps: [`${error.path}: ${error.reason}.`, 'Give your user access to it, then start again.'],
      }
    case 'data-read-only':
      return {
        title: 'The data folder is read-only',
        steps: [
          `Nothing can be written in ${error.path}.`,
          'Mount the volume for writing, then start again.',
        ],
      }
    case 'data-not-a-folder':
      return {
        title: 'The data folder is not a folder',
        steps: [
          `${error.path} is a file.`,
          'Correct storage.rootDirectory in config.json, then start again.',
        ],
      }
    case 'engine-missing':
      if (error.path === 'zot')
        return {
          title: 'There is no zot on this machine',
          steps: [
            "Put it on the PATH, or into Zotbar's folder as engines/zot/VERSION/zot.",
            'Or say where it is: zotbar engine use zot --path FILE',
          ],
        }
      return {
        title: 'The registry program is missing',
        steps: [`${error.path} is not there.`, 'Build or install Zotbar again, then start again.'],
      }
    case 'port-in-use':
      return {
        title: `Port ${error.port} is taken`,
        steps: [
          `${holder(error)} answers there; it was left alone.`,
          'End that program, and the registry starts by itself. Or set another http.port in config.json, then start again.',
        ],
      }
    case 'start-failed':
      return {
        title: 'The registry did not start',
        steps: [
          `It ${exitWords(error.exit)}.`,
          ...error.lastLines.slice(-3),
          'Read its log, then start again.',
        ],
      }
    case 'start-too-slow':
      return {
        title: 'The registry does not become ready',
        steps: [
          `It ran for ${duration(error.limitMs)} without answering.`,
          'Read its log, then start again.',
        ],
      }
    case 'root-in-use':
      return {
        title: 'Another process uses the data folder',
        steps: [
          `${holder(error)} has ${error.path} open. Two registries on one folder would damage it.`,
          'End the other one, then start again.',
        ],
      }
    case 'stop-failed':
      return {
        title: 'The registry does not end',
        steps: [
          `Process ${error.pid} survived a KILL. It may be waiting for a disk.`,
          'Check the data volume, then try again.',
        ],
      }
    case 'already-running':
      return {
        title: 'Zotbar is already running',
        steps: [
          `Process ${error.pid} runs it with ${error.home}.`,
          'Use it: zotbar status, zotbar open. Or end it first.',
        ],
      }
    case 'app-not-running':
      return {
        title: 'Zotbar is not running',
        steps: [`Nothing answers for ${error.home}.`, 'Start it: zotbar start'],
      }
    case 'app-not-answering':
      return {
        title: 'Zotbar does not answer',
        steps: [
          `It took the call and said nothing for ${duration(error.limitMs)}.`,
          'Look at logs/app.log in its folder, or start it again.',
        ],
      }
    case 'home-unusable':
      return {
        title: "Zotbar's folder cannot be used",
        steps: [`${error.path}: ${error.reason}.`, 'Correct it, or name another with ZOTBAR_HOME.'],
      }
    case 'busy':
      return {
        title: 'Something else is under way',
        steps: [`Zotbar is busy with this: ${error.with}.`, 'Wait for it, or cancel it.'],
      }
    case 'quitting':
      return { title: 'Zotbar is quitting', steps: ['Start it again, then repeat this.'] }
    case 'nothing-under-way':
      return { title: 'Nothing is under way', steps: ['It has ended, or was never begun.'] }
    case 'upgrade-needs-zot':
      return {
        title: 'Only zot is upgraded this way',
        steps: [
          `${error.engine} changes together with Zotbar: install a newer Zotbar.`,
          'Change over to zot first: zotbar engine use zot',
        ],
      }
    case 'no-earlier-version':
      return {
        title: 'There is no version to go back to',
        steps: [
          'Only a version that was replaced by an upgrade, and is still installed, can be gone back to.',
        ],
      }
    case 'engine-unusable':
      return {
        title: `${error.engine} cannot be used`,
        steps: [`${error.path}: ${error.reason}.`, 'See which engines there are: zotbar engine list'],
      }
    case 'cancelled':
      return {
        title: 'Taken back',
        steps: ['It was cancelled, or something else was asked for in the meantime.'],
      }
    case 'nothing-to-cancel':
      return {
        title: 'Nothing can be cancelled now',
        steps: [
          'The registry was already told to stop, nothing is under way, or there is no way back any more.',
        ],
      }
    case 'bad-input':
      return {
        title: 'The request was not understood',
        steps: [`${error.field}: got ${error.wrong}; allowed: ${error.allowed}.`],
      }
    case 'unknown-command':
      return {
        title: `There is no command ${error.name}`,
        steps: ['The window and the app may be of different versions. Start Zotbar again.'],
      }
    case 'unknown-setting':
      return {
        title: `There is no setting ${error.key}`,
        steps: [
          error.near === undefined
            ? 'List them: zotbar settings list'
            : `Did you mean ${error.near}? List them: zotbar settings list`,
        ],
      }
    case 'bad-setting':
      return {
        title: `${error.key} cannot be ${error.wrong}`,
        steps: [`Allowed: ${error.allowed}. It was left as it is.`],
      }
    case 'setting-by-runbook':
      return {
        title: `${error.key} is not changed like this`,
        steps: [`The new program is checked first, and taken back if it does not work: ${error.use}`],
      }
    case 'setting-not-allowed-here':
      return {
        title: `${error.key} cannot be changed here`,
        steps: [`It names a file or a program. Use the command line: zotbar settings set ${error.key} VALUE`],
      }
    case 'not-authorised':
      return {
        title: 'This page is not signed in',
        steps: [refusalWords(error.reason), 'Get a fresh link: zotbar open'],
      }
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
    case 'keys-need-admin-socket':
      return {
        title: 'Keys of other users cannot be reached here',
        steps: [
          error.user === undefined
            ? `${error.engine} gives keys only to the user they belong to, and Zotbar holds nobody's password.`
            : `${error.engine} gives keys only to the user they belong to, and Zotbar holds the password of ${error.user} alone.`,
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
      return { title: 'The key was not made', steps: [`${error.reason}.`] }
    case 'secret-gone':
      return {
        title: 'The secret of this key cannot be shown any more',
        steps: ['It is shown once, within ten minutes. Revoke the key and make another.'],
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
          `Only its hash is in ${error.htpasswd}; the secret is gone from the keychain or its file.`,
          'Make a new one: zotbar admin reset',
        ],
      }
    case 'file-unusable':
      return { title: `${error.path} cannot be used`, steps: [`${capital(error.reason)}.`] }
    case 'dashboard-off':
      return {
        title: 'There is no dashboard',
        steps: ['The menu-bar app serves none. Start with --headless for one.'],
      }
    case 'no-screen':
      return {
        title: 'Nothing can be opened from here',
        steps: [
          `Zotbar runs without a screen.${error.path === undefined ? '' : ` Look at ${error.path} on its computer.`}`,
        ],
      }
    case 'port-taken':
      return {
        title: `Port ${error.port} is taken`,
        steps: [
          `The ${error.what} cannot listen there.`,
          'Name another: zotbar start --dashboard-port N (0 picks a free one).',
        ],
      }
    case 'host-unreachable':
    case 'host-key-unknown':
    case 'host-key-changed':
    case 'host-key-revoked':
    case 'host-denied':
    case 'host-no-shell':
    case 'host-lost':
    case 'host-too-slow':
    case 'host-file-unusable':
    case 'build-failed':
    case 'build-too-slow':
    case 'build-without-program':
    case 'bad-recipe':
      return hostFailureWords(error)
    case 'keychain-locked':
    case 'keychain-denied':
    case 'keychain-unavailable':
    case 'keychain-silent':
    case 'no-secret-store':
    case 'key-file-unusable':
    case 'secret-store-locked':
    case 'secret-store-wrong-key':
    case 'secret-store-damaged':
    case 'secret-not-kept':
    case 'key-not-kept':
    case 'bad-sink':
      return secretFailureWords(error)
    case 'key-not-managed':
    case 'key-needed':
    case 'key-malformed':
    case 'key-not-accepted':
    case 'key-in-use':
    case 'key-unidentified':
    case 'key-label-refused':
    case 'nothing-retiring':
    case 'key-elsewhere':
    case 'sign-in-ended':
    case 'sign-in-not-here':
      return rotationFailureWords(error)
    case 'web-unreachable':
    case 'web-limited':
    case 'web-refused':
    case 'web-not-understood':
    case 'web-redirect-refused':
    case 'web-too-large':
    case 'bad-url':
    case 'release-not-found':
    case 'release-not-built-for':
    case 'download-broken':
    case 'too-large':
    case 'no-space':
    case 'size-differs':
    case 'digest-differs':
    case 'not-a-program':
    case 'file-changed':
    case 'version-not-told':
    case 'version-differs':
    case 'manifest-refused':
      return releaseFailureWords(error)
    case 'config-edited-meanwhile':
      return {
        title: 'config.json was changed by somebody else meanwhile',
        steps: [
          `${error.file} is neither what was shown before nor what it was to become; it was left alone.`,
          'Look at it, then try again.',
        ],
      }
    case 'advice-not-understood':
      return {
        title: 'The facts about releases are not understood',
        steps: [
          `${error.url}: ${error.reason}.`,
          'Those that come with Zotbar go on. Check the setting advice.url.',
        ],
      }
    case 'unexpected':
      return {
        title: 'Zotbar has a fault',
        steps: [
          `It happened in ${error.where}. The details are in logs/app.log.`,
          'Start Zotbar again if this stays.',
        ],
      }
    default:
      return unreachable(error)
  }
}

function refusalWords(reason: Extract<Failure, { code: 'not-authorised' }>['reason']): string {
  switch (reason) {
    case 'no-session':
      return 'It has no session, or its session has ended.'
    case 'token-used':
      return 'The link was used already, or is too old. Each works once.'
    case 'wrong-host':
      return 'It was asked for under another name than its own address.'
    case 'wrong-origin':
      return 'The request came from another site.'
    case 'wrong-sender':
      return 'The request did not come from a window of Zotbar.'
    default:
      return unreachable(reason)
  }
}
