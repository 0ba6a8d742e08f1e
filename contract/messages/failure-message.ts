import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import { capital, duration } from './format.ts'
import { hostFailureMessage } from './host-message.ts'
import type { FailureMessage } from './message.ts'
import { registryFailureMessage } from './registry-message.ts'
import { releaseFailureMessage } from './release-message.ts'
import { rotationFailureMessage } from './rotation-message.ts'
import { secretFailureMessage } from './secret-message.ts'
import { startFailureMessage } from './start-message.ts'
import { folderFailureMessage } from './undecided-message.ts'

/** The only place where the code of a failure becomes text. */
export function failureMessage(error: Failure): FailureMessage {
  switch (error.code) {
    case 'config-missing':
    case 'config-invalid':
    case 'data-volume-missing':
    case 'data-unreadable':
    case 'data-read-only':
    case 'data-not-a-folder':
    case 'engine-missing':
    case 'port-in-use':
    case 'start-failed':
    case 'start-too-slow':
    case 'root-in-use':
    case 'stop-failed':
      return startFailureMessage(error)
    case 'undecided':
    case 'other-folder':
    case 'data-denied':
    case 'nothing-to-accept':
    case 'data-folder-missing':
      return folderFailureMessage(error)
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
    case 'run-broken-off':
      return {
        title: 'A run broke off, and comes first',
        steps: [
          `${error.title}: ${error.reason}`,
          'It is brought to its end by itself as soon as that is possible, before anything else begins.',
          'To try it at once: zotbar runbooks answer --yes',
        ],
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
          'The registry was already asked to stop, nothing is under way, or there is no way back any more.',
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
        steps: [
          'It names a file, a program or a server, or decides what is trusted.',
          `Use the command line: zotbar settings set ${error.key} VALUE`,
        ],
      }
    case 'not-authorised':
      return {
        title: 'This page is not signed in',
        steps: [refusalText(error.reason), 'Get a fresh link: zotbar open'],
      }
    case 'registry-not-serving':
    case 'image-not-found':
    case 'registry-denied':
    case 'registry-refused':
    case 'registry-unreachable':
    case 'registry-silent':
    case 'repository-unreadable':
    case 'keys-need-admin-socket':
    case 'keys-off':
    case 'key-not-found':
    case 'key-refused':
    case 'secret-gone':
    case 'admin-not-ours':
    case 'admin-password-unknown':
      return registryFailureMessage(error)
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
      return hostFailureMessage(error)
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
      return secretFailureMessage(error)
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
      return rotationFailureMessage(error)
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
      return releaseFailureMessage(error)
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

function refusalText(reason: Extract<Failure, { code: 'not-authorised' }>['reason']): string {
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
