import type { Menu } from 'electron'
import type { ElectronApi } from './electron-api.ts'

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
