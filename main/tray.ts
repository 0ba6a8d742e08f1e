import { join } from 'node:path'
import type { Menu, MenuItemConstructorOptions, Rectangle } from 'electron'
import { plainText } from '../contract/messages/format.ts'
import type { StatusClass } from '../contract/messages/summary.ts'
import type { CoreView } from './core-view.ts'
import type { ElectronApi } from './electron-api.ts'
import type { LoginState } from './login-agent.ts'
import { type MenuCommand, type MenuRow, menuFor } from './menu.ts'

export interface StatusTray {
  /** Shows this state: image, tooltip and menu. Touches the icon only where something changed. */
  show(view: CoreView, login: LoginState): void
  bounds(): Rectangle
  destroy(): void
}

export interface TrayOptions {
  electron: Pick<ElectronApi, 'Menu' | 'nativeImage' | 'Tray'>
  /** Folder of the template images. */
  images: string
  platform: NodeJS.Platform
  clicked(icon: Rectangle): void
  chosen(command: MenuCommand): void
}

/** The icon in the menu bar: a click opens the popover, a secondary click the menu. */
export function createTray({ electron, images, platform, clicked, chosen }: TrayOptions): StatusTray {
  const image = (name: StatusClass) => {
    const icon = electron.nativeImage.createFromPath(join(images, `${name}Template.png`))
    icon.setTemplateImage(true)
    return icon
  }
  const tray = new electron.Tray(image('working'))
  let shown: { class: StatusClass; tooltip: string } = { class: 'working', tooltip: '' }
  let rows: MenuRow[] = []
  let setRows = ''
  /** Electron holds a menu weakly while it is open: collected, its rows would do nothing (electron#52247). */
  let lastMenu: Menu | undefined

  const buildMenu = (): Menu => {
    lastMenu = electron.Menu.buildFromTemplate(rows.map(row => template(row, chosen)))
    return lastMenu
  }
  // Linux trays show only a menu that was set before, and not every desktop reports clicks.
  const setsMenuBefore = platform !== 'darwin'
  const openMenu = () => tray.popUpContextMenu(buildMenu())
  tray.on('click', event => (event.altKey || event.ctrlKey ? openMenu() : clicked(tray.getBounds())))
  if (!setsMenuBefore) tray.on('right-click', openMenu)

  return {
    show(view, login) {
      rows = menuFor(view, login)
      const tooltip = `Zotbar: ${plainText(view.headline)}`
      if (view.class !== shown.class) tray.setImage(image(view.class))
      if (tooltip !== shown.tooltip) tray.setToolTip(tooltip)
      shown = { class: view.class, tooltip }
      const text = JSON.stringify(rows)
      if (setsMenuBefore && text !== setRows) tray.setContextMenu(buildMenu())
      setRows = text
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
