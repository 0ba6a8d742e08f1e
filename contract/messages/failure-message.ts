import type { Failure } from '../failure.ts'
import { appFailureMessage, settingFailureMessage } from './app-message.ts'
import { coreFailureMessage, isCoreFailure } from './core-message.ts'
import { dataFailureMessage } from './data-message.ts'
import { hostFailureMessage } from './host-message.ts'
import { lastConfigFailureMessage } from './last-config-message.ts'
import type { FailureMessage } from './message.ts'
import { registryFailureMessage } from './registry-message.ts'
import { releaseFailureMessage } from './release-message.ts'
import { rotationFailureMessage } from './rotation-message.ts'
import { runFailureMessage } from './runbook-message.ts'
import { secretFailureMessage } from './secret-message.ts'
import { startFailureMessage } from './start-message.ts'
import { folderFailureMessage } from './undecided-message.ts'

/** The text for people of any failure: other code compares codes and never builds such a text. */
export function failureMessage(error: Failure): FailureMessage {
  if (isCoreFailure(error)) return coreFailureMessage(error)
  switch (error.code) {
    case 'already-running':
    case 'app-not-running':
    case 'app-not-answering':
    case 'home-unusable':
    case 'quitting':
    case 'not-authorised':
    case 'dashboard-off':
    case 'no-screen':
    case 'already-answered':
    case 'shell-gone':
    case 'port-taken':
    case 'port-refused':
    case 'bad-input':
    case 'unknown-command':
    case 'file-unusable':
    case 'unexpected':
      return appFailureMessage(error)
    case 'unknown-setting':
    case 'bad-setting':
    case 'setting-by-runbook':
    case 'setting-not-allowed-here':
    case 'advice-not-understood':
      return settingFailureMessage(error)
    case 'busy':
    case 'run-broken-off':
    case 'nothing-under-way':
    case 'cancelled':
    case 'nothing-to-cancel':
    case 'upgrade-needs-zot':
    case 'no-earlier-version':
    case 'engine-unusable':
    case 'config-edited-meanwhile':
      return runFailureMessage(error)
    case 'no-other-config':
      return lastConfigFailureMessage(error)
    case 'config-missing':
    case 'config-invalid':
    case 'named-file-unusable':
    case 'engine-missing':
    case 'port-in-use':
    case 'start-failed':
    case 'start-too-slow':
    case 'root-in-use':
    case 'stop-failed':
      return startFailureMessage(error)
    case 'data-volume-missing':
    case 'data-unreadable':
    case 'data-read-only':
    case 'data-not-a-folder':
      return dataFailureMessage(error)
    case 'undecided':
    case 'other-folder':
    case 'data-denied':
    case 'nothing-to-accept':
    case 'data-folder-missing':
      return folderFailureMessage(error)
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
    case 'no-key-of-user':
    case 'key-needed':
    case 'key-not-given':
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
    default:
      // The failures of releases are left: any other code that is missing above fails the type check here.
      return releaseFailureMessage(error)
  }
}

/** For a terminal: a title, then what to do, one step a line. */
export function failureText(error: Failure): string {
  const { title, steps } = failureMessage(error)
  return [`zotbar: ${title}`, ...steps.map(step => `  ${step}`)].join('\n')
}
