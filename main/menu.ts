import type { Menu } from 'electron'
import { givenAddress, thisMachine } from '../contract/messages/address-message.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { bytes } from '../contract/messages/format.ts'
import { openText } from '../contract/messages/open-message.ts'
import type { StatusAction, StatusSummary, StatusVerb } from '../contract/messages/summary.ts'
import { unreachable } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { CoreView } from './core-view.ts'
import type { ElectronApi } from './electron-api.ts'
import type { LoginState } from './login-agent.ts'

/** What a row of the tray's menu does. */
export type MenuCommand =
  | { do: 'copy'; text: string }
  | { do: 'registry'; verb: StatusVerb; question?: NonNullable<StatusAction['question']> }
  | { do: 'open'; target: 'window' | 'log-folder' }
  | { do: 'login'; on: boolean }
  | { do: 'start-core' }
  | { do: 'quit' }

/** The menu as data, which is tested without Electron. */
export type MenuRow =
  | { type: 'separator' }
  /** A text that cannot be chosen. */
  | { type: 'note'; label: string }
  | { type: 'item'; label: string; command: MenuCommand }
  | { type: 'check'; label: string; checked: boolean; command: MenuCommand }

const separator: MenuRow = { type: 'separator' }

const openRows: readonly MenuRow[] = [
  { type: 'item', label: 'Open Zotbar', command: { do: 'open', target: 'window' } },
  { type: 'item', label: 'Logs', command: { do: 'open', target: 'log-folder' } },
]
const quitRow: MenuRow = { type: 'item', label: 'Quit Zotbar', command: { do: 'quit' } }

/** The tray's menu for one state. Rows that could do nothing are absent, not greyed. */
export function menuFor(view: CoreView, login: LoginState): MenuRow[] {
  const headline: MenuRow = { type: 'note', label: view.headline }
  if (view.kind === 'away')
    return [headline, ...awayRows(view), separator, ...openRows, separator, ...loginRows(login), quitRow]
  const { snapshot, status } = view
  if (snapshot.quitting) return [headline]
  const verbs = registryRows(snapshot, status)
  return [
    headline,
    ...openRow(snapshot),
    ...addressRows(snapshot),
    ...storageRows(snapshot),
    separator,
    ...verbs,
    ...(verbs.length > 0 ? [separator] : []),
    ...openRows,
    separator,
    ...loginRows(login),
    quitRow,
  ]
}

/** Why there is no state of the registry, and what may help. */
function awayRows({ reason, canStart }: Extract<CoreView, { kind: 'away' }>): MenuRow[] {
  return [
    { type: 'note', label: reason },
    ...(canStart
      ? [separator, { type: 'item', label: 'Start Zotbar', command: { do: 'start-core' } } as const]
      : []),
  ]
}

/** Whom it serves, where that is everyone. */
function openRow(snapshot: Snapshot): MenuRow[] {
  const { process, registry } = snapshot
  return process.kind === 'serving' && registry.open !== undefined
    ? [{ type: 'note', label: openText(registry.open, thisMachine(snapshot)) }]
    : []
}

/** What stands before an image's name, here and elsewhere. */
function addressRows(snapshot: Snapshot): MenuRow[] {
  const { name, local } = givenAddress(snapshot)
  const copy = (text: string, where = ''): MenuRow => ({
    type: 'item',
    label: `Copy ${text}${where}`,
    command: { do: 'copy', text },
  })
  return [copy(name), ...(local ? [copy(local.name, `, for ${thisMachine(snapshot)}`)] : [])]
}

function storageRows({ storage }: Snapshot): MenuRow[] {
  if (storage.error) return [{ type: 'note', label: failureMessage(storage.error).title }]
  if (storage.bytes === undefined)
    return storage.scanning ? [{ type: 'note', label: 'Counting what is stored' }] : []
  const free = storage.freeBytes === undefined ? '' : `, ${bytes(storage.freeBytes)} free`
  return [{ type: 'note', label: `${bytes(storage.bytes)} stored${free}` }]
}

function registryRows({ process }: Snapshot, status: StatusSummary): MenuRow[] {
  const restart = row({ verb: 'restart', label: 'Restart' })
  const stop = row({ verb: 'stop', label: 'Stop' })
  switch (process.kind) {
    case 'serving':
      return [...status.actions.filter(action => action.verb === 'show-keys').map(row), restart, stop]
    case 'starting':
      return [stop]
    case 'crash-looping':
      return [...status.actions.map(row), stop]
    case 'stopped':
    case 'backing-off':
    case 'draining':
    case 'stopping':
    case 'foreign':
    case 'undecided':
    case 'failed':
      return status.actions.map(row)
    default:
      return unreachable(process)
  }
}

function row(action: Pick<StatusAction, 'verb' | 'label' | 'question'>): MenuRow {
  const { verb, label, question } = action
  return { type: 'item', label, command: { do: 'registry', verb, ...(question ? { question } : {}) } }
}

function loginRows(login: LoginState): MenuRow[] {
  switch (login.kind) {
    case 'unavailable':
      return []
    case 'off':
    case 'on':
      return [
        {
          type: 'check',
          label: 'Start at login',
          checked: login.kind === 'on',
          command: { do: 'login', on: login.kind === 'off' },
        },
      ]
    case 'disabled':
      return [
        { type: 'check', label: 'Start at login', checked: false, command: { do: 'login', on: true } },
        { type: 'note', label: 'macOS has it turned off, in System Settings > Login Items' },
      ]
    default:
      return unreachable(login)
  }
}

/**
 * The menu whose shortcuts work in our windows: on macOS copy, close, zoom and quit exist only through it.
 * Elsewhere Chromium has them, and a menu bar inside the window would be in the way.
 */
export function applicationMenu(
  { Menu }: Pick<ElectronApi, 'Menu'>,
  platform: NodeJS.Platform,
  packaged: boolean,
): Menu | null {
  if (platform !== 'darwin') return null
  return Menu.buildFromTemplate([
    { role: 'appMenu' },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        ...(packaged ? [] : ([{ role: 'toggleDevTools' }] as const)),
      ],
    },
    { role: 'windowMenu' },
  ])
}
