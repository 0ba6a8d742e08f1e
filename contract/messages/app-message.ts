import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { ShellCapability } from '../shell.ts'
import { capital, duration, holder, programName } from './format.ts'
import type { FailureMessage } from './message.ts'

/** Failures of Zotbar itself: how it is started, reached and called. */
type AppFailure = Extract<
  Failure,
  {
    code:
      | 'already-running'
      | 'app-not-running'
      | 'app-not-answering'
      | 'home-unusable'
      | 'quitting'
      | 'not-authorised'
      | 'dashboard-off'
      | 'no-screen'
      | 'already-answered'
      | 'shell-gone'
      | 'port-taken'
      | 'port-refused'
      | 'bad-input'
      | 'unknown-command'
      | 'file-unusable'
      | 'unexpected'
  }
>

/** The message for a failure of Zotbar itself. */
export function appFailureMessage(error: AppFailure): FailureMessage {
  switch (error.code) {
    case 'already-running':
      return {
        title: 'Zotbar is already running',
        steps: [
          `Process ${error.pid} runs it with ${error.home}.`,
          'Use it: zotbar status, zotbar open. Or end it first: zotbar quit. After an update this Zotbar can take over: zotbar hand-over',
        ],
      }
    case 'app-not-running':
      return {
        title: 'Zotbar is not running',
        steps: [`Nothing answers for ${error.home}.`, ...howToStart(error.registry)],
      }
    case 'app-not-answering':
      return {
        title: 'Zotbar does not answer',
        steps: [
          `It took the call and said nothing for ${duration(error.limitMs)}.`,
          error.pid === undefined
            ? 'Look at logs/app.log in its folder, or start it again.'
            : `If that stays so, process ${error.pid} hangs: kill -9 ${error.pid} ends it, then zotbar start. The registry goes on meanwhile, and is taken over.`,
        ],
      }
    case 'home-unusable':
      return {
        title: "Zotbar's folder cannot be used",
        steps: [`${error.path}: ${error.reason}.`, 'Correct it, or name another with ZOTBAR_HOME.'],
      }
    case 'quitting':
      return { title: 'Zotbar is quitting', steps: ['Start it again, then repeat this.'] }
    case 'not-authorised':
      return refusalMessage(error.reason)
    case 'dashboard-off':
      return {
        title: 'There is no dashboard',
        steps: ['Zotbar is only starting, or quitting. Repeat this in a moment.'],
      }
    case 'no-screen':
      return {
        title: error.missing === undefined ? 'Nothing can be opened from here' : missingTitles[error.missing],
        steps: [
          `No Zotbar app is open on this computer.${error.path === undefined ? ' Open it, then repeat this.' : ` Look at ${error.path} on its computer.`}`,
        ],
      }
    case 'already-answered':
      return { title: 'This was answered already', steps: [`It was answered by ${error.by}.`] }
    case 'shell-gone':
      return {
        title: 'The Zotbar app went away',
        steps: ['It ended before it answered. What was asked stays open: open the app, then repeat this.'],
      }
    case 'port-taken':
      return {
        title: `Port ${error.port} is taken`,
        steps: [
          `${holder({ ...error, command: error.command && programName(error.command) })} has it, so there is no dashboard. It comes back by itself when the port is free.`,
          'Or name another port: zotbar settings set dashboard.port N',
        ],
      }
    case 'port-refused':
      return {
        title: `The ${error.what} cannot listen on port ${error.port}`,
        steps: [`${capital(error.reason)}.`, 'Name another port: zotbar settings set dashboard.port N'],
      }
    case 'bad-input':
      return {
        title: 'The request was not understood',
        steps: [`${error.field}: got ${error.wrong}; allowed: ${error.allowed}.`],
      }
    case 'unknown-command':
      return {
        title: `There is no command ${error.name}`,
        steps: ['What asks and what runs may be of different versions. Start Zotbar again.'],
      }
    case 'file-unusable':
      return { title: `${error.path} cannot be used`, steps: [`${capital(error.reason)}.`] }
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

const howToStart = (registry: { pid: number } | undefined): string[] =>
  registry === undefined
    ? ['Start it: zotbar start']
    : [
        `The registry that it started is still there: process ${registry.pid}. Nobody supervises it.`,
        'Take it over: zotbar start. To end it after that: zotbar stop, then zotbar quit',
      ]

const missingTitles: Record<ShellCapability, string> = {
  open: 'Nothing can be opened from here',
  question: 'Nobody can be asked here',
  'sign-in': 'There is no window to sign in with',
  notify: 'No notification can be shown here',
  clipboard: 'There is no clipboard here',
}

function refusalMessage(reason: Extract<Failure, { code: 'not-authorised' }>['reason']): FailureMessage {
  const signedOut = (why: string): FailureMessage => ({
    title: 'This page is not signed in',
    steps: [why, 'Get a fresh link: zotbar open'],
  })
  switch (reason) {
    case 'no-session':
      return signedOut('It has no session, or its session has ended.')
    case 'token-used':
      return signedOut('The link was used already, or is too old. Each works once.')
    case 'session-replayed':
      return signedOut(
        'A token of its session was used again after it had been replaced, so the session was ended.',
      )
    case 'wrong-host':
      return signedOut('It was asked for under another name than its own address.')
    case 'wrong-origin':
      return signedOut('The request came from another site.')
    case 'wrong-sender':
      return {
        title: 'This cannot be done from here',
        steps: ['It is for the command line, or for the Zotbar app itself. Look for it there: zotbar --help'],
      }
    case 'needs-agreement':
      return { title: 'This needs your word', steps: ['Zotbar asks about it first, in a window of its own.'] }
    case 'needs-full-session':
      return {
        title: 'This page may only look',
        steps: ['To change something, get a fresh link: zotbar open'],
      }
    default:
      return unreachable(reason)
  }
}

/** Failures of a setting, or of what a setting names. */
type SettingFailure = Extract<
  Failure,
  {
    code:
      | 'unknown-setting'
      | 'bad-setting'
      | 'setting-by-runbook'
      | 'setting-not-allowed-here'
      | 'advice-not-understood'
  }
>

/** The message for a setting that cannot be read or changed. */
export function settingFailureMessage(error: SettingFailure): FailureMessage {
  switch (error.code) {
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
    case 'advice-not-understood':
      return {
        title: 'The advisories about releases are not understood',
        steps: [
          `${error.url}: ${error.reason}.`,
          'Those that come with Zotbar go on. Check the setting advice.url.',
        ],
      }
    default:
      return unreachable(error)
  }
}
