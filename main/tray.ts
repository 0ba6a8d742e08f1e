import { join } from 'node:path'
import type { MenuItemConstructorOptions, Rectangle } from 'electron'
import { plainText } from '../contract/messages/format.ts'
import { statusSummary } from '../contract/messages/status-summary.ts'
import type { StatusClass } from '../contract/messages/summary.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import type { LoginState } from './login-agent.ts'
import { type MenuCommand, type MenuRow, menuFor } from './menu.ts'

export interface StatusTray {
  /** Shows this state: image, tooltip and menu. Touches the icon only where something changed. */
  show(snapshot: Snapshot, login: LoginState): void
  bounds(): Rectangle
  destroy(): void
}

export interface TrayOptions {
  electron: Pick<ElectronApi, 'Menu' | 'nativeImage' | 'Tray'>
  /** Folder of the template images. */
  images: string
  platform: NodeJS.Platform
  clock: Pick<Clock, 'now'>
  clicked(icon: Rectangle): void
  chosen(command: MenuCommand): void
}

/** The icon in the menu bar: a click opens the popover, a secondary click the menu. */
export function createTray({ electron, images, platform, clock, clicked, chosen }: TrayOptions): StatusTray {
  const image = (name: StatusClass) => {
    const icon = electron.nativeImage.createFromPath(join(images, `${name}Template.png`))
    icon.setTemplateImage(true)
    return icon
  }
  const tray = new electron.Tray(image('working'))
  let shown: { class: StatusClass; tooltip: string } = { class: 'working', tooltip: '' }
  let latest: { snapshot: Snapshot; login: LoginState } | undefined
  let menu = ''

  const rows = (): MenuRow[] =>
    latest ? menuFor(latest.snapshot, statusSummary(latest.snapshot, clock.now()), latest.login) : []
  const built = (from: MenuRow[]) => electron.Menu.buildFromTemplate(from.map(row => template(row, chosen)))

  // Linux trays show only a menu that was set before, and not every desktop reports clicks.
  const setsMenuBefore = platform !== 'darwin'
  const openMenu = () => tray.popUpContextMenu(built(rows()))
  tray.on('click', event => (event.altKey || event.ctrlKey ? openMenu() : clicked(tray.getBounds())))
  if (!setsMenuBefore) tray.on('right-click', openMenu)

  return {
    show(snapshot, login) {
      latest = { snapshot, login }
      const summary = statusSummary(snapshot, clock.now())
      const tooltip = `Zotbar: ${plainText(summary.headline)}`
      if (summary.class !== shown.class) tray.setImage(image(summary.class))
      if (tooltip !== shown.tooltip) tray.setToolTip(tooltip)
      shown = { class: summary.class, tooltip }
      if (!setsMenuBefore) return
      const next = rows()
      const text = JSON.stringify(next)
      if (text !== menu) tray.setContextMenu(built(next))
      menu = text
    },
    bounds: () => tray.getBounds(),
    destroy: () => tray.destroy(),
  }
}

/** One row of data as Electron wants it. */
function template(row: MenuRow, chosen: (command: MenuCommand) => void): MenuItemConstructorOptions {
  switch (row.type) {
    case 'separator':
      return { type: 'separator' }
    case 'note':
      return { label: row.label, enabled: false }
    case 'item':
      return { label: row.label, click: () => chosen(row.command) }
    case 'check':
      return { type: 'checkbox', label: row.label, checked: row.checked, click: () => chosen(row.command) }
  }
}
