// The real programs that tests drive. Each is tried by running it or finding its file; none is faked.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const onPath = name =>
  (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, name)))

/** The browser of the machine, the fastest first; nothing is downloaded. */
export const browser = () =>
  [
    ...['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].flatMap(name =>
      (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, name)),
    ),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ].find(file => existsSync(file))

/** Debian, as root. */
const canInstall = () => onPath('apt-get') && process.getuid?.() === 0

/** tool -> how it is found, and the Debian package that brings it. */
export const tools = {
  skopeo: { there: () => onPath('skopeo'), debian: 'skopeo', macos: 'brew install skopeo' },
  buildah: { there: () => onPath('buildah'), debian: 'buildah' },
  containerd: { there: () => onPath('containerd') && onPath('ctr'), debian: 'containerd' },
  umoci: { there: () => onPath('umoci'), debian: 'umoci', macos: 'brew install umoci' },
  busybox: { there: () => onPath('busybox'), debian: 'busybox-static' },
  openssl: { there: () => onPath('openssl'), debian: 'openssl' },
  caddy: { there: () => onPath('caddy'), debian: 'caddy', macos: 'brew install caddy' },
  curl: { there: () => onPath('curl'), debian: 'curl' },
  promtool: { there: () => onPath('promtool'), debian: 'prometheus', macos: 'brew install prometheus' },
  'gnome-keyring': {
    there: () => onPath('gnome-keyring-daemon'),
    debian: 'gnome-keyring libsecret-1-0',
  },
  dbus: {
    there: () => onPath('dbus-run-session'),
    debian: 'dbus-x11 dbus',
  },
  // Of the system's Python, whatever comes first on PATH.
  'python3-gi': {
    there: () => existsSync('/usr/lib/python3/dist-packages/gi'),
    debian: 'python3-gi',
  },
  // sshd is called by its full path and lies in a folder that is not on everybody's PATH.
  sshd: {
    there: () => existsSync('/usr/sbin/sshd') && onPath('ssh-keygen'),
    debian: 'openssh-server openssh-client',
  },
  // Debian's package of it without windows, which does the same work in half the time.
  chromium: {
    there: () => onPath('chromium-headless-shell') || (!canInstall() && browser() !== undefined),
    debian: 'chromium-headless-shell',
    macos: 'brew install --cask chromium',
  },
}

export const missingTools = () => Object.keys(tools).filter(name => !tools[name].there())

/** On Debian as root the missing ones are installed; elsewhere it is said what to install. Returns what is still missing. */
export function install(missing) {
  if (missing.length === 0) return []
  const packages = missing.flatMap(name => tools[name].debian.split(' '))
  if (canInstall()) {
    console.error(`Installing for the tests: ${packages.join(' ')}`)
    const apt = args =>
      spawnSync('apt-get', args, {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    apt(['update', '-qq'])
    apt(['install', '-y', '-qq', '--no-install-recommends', ...packages])
  } else if (process.platform === 'darwin') {
    const lines = missing.map(name => tools[name].macos ?? `(${name}: Linux only)`)
    console.error(`Some tests need programs that are not here:\n  ${lines.join('\n  ')}`)
  } else {
    console.error(
      `Some tests need programs that are not here. On Debian: sudo apt-get install ${packages.join(' ')}`,
    )
  }
  return missing.filter(name => !tools[name].there())
}
