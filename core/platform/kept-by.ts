import type { KeptBy } from '../../contract/failure.ts'

/**
 * What starts a process again when it ends, read from /proc/PID/cgroup of it and of its parent: the unit that it is the
 * main process of. A child of a service (a job of cron, what a terminal started) is no service itself, so it has none.
 */
export function keptByOnLinux(cgroup: string, parentCgroup: string): KeptBy | undefined {
  const path = cgroupPath(cgroup)
  if (path === undefined || path === cgroupPath(parentCgroup)) return undefined
  const name = path.split('/').at(-1) ?? ''
  const container = /^(?:(docker|libpod)-)?([0-9a-f]{64})(?:\.scope)?$/.exec(name)
  if (container !== null) {
    const isDocker = container[1] === 'docker' || /\/docker\/[0-9a-f]{64}$/.test(path)
    const program = isDocker ? 'docker' : container[1] === 'libpod' ? 'podman' : undefined
    const id = container[2]?.slice(0, 12) ?? ''
    return program && { manager: program, name: id, stop: `${program} stop ${id}` }
  }
  const unit = /^([\w@.:-]|\\x[0-9a-f]{2})+\.service$/.test(name) ? name : undefined
  if (unit === undefined || /^user@\d+\.service$/.test(unit)) return undefined
  // app.slice is where a user's manager starts its units.
  const systemctl = /\/(user@\d+\.service|app\.slice)\//.test(path) ? 'systemctl --user' : 'sudo systemctl'
  return {
    manager: 'systemd',
    name: unit,
    stop: `${systemctl} stop ${quoted(unit)}`,
    disable: `${systemctl} disable ${quoted(unit)}`,
  }
}

/** The path of the unified hierarchy, or of systemd's own one, cgroups(7). */
function cgroupPath(text: string): string | undefined {
  const paths = new Map(
    text.split('\n').flatMap(line => {
      const match = /^\d+:([^:]*):(.*)$/.exec(line)
      return match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const]
    }),
  )
  return paths.get('name=systemd') ?? paths.get('')
}

/** The job of a process among the services that `launchctl print DOMAIN` lists: pid, last exit, label. */
export function keptByLaunchd(printed: string, domain: string, pid: number): KeptBy | undefined {
  const services = /^\tservices = \{\n([\s\S]*?)^\t\}/m.exec(printed)?.[1] ?? ''
  for (const line of services.split('\n')) {
    const [first, ...more] = line.trim().split(/\s+/)
    const label = more.at(-1)
    // What was opened from Finder or the Dock has a job too, which does not come back.
    if (Number(first) !== pid || label === undefined || label.startsWith('application.')) continue
    const launchctl = domain === 'system' ? 'sudo launchctl' : 'launchctl'
    const target = quoted(`${domain}/${label}`)
    return {
      manager: 'launchd',
      name: label,
      stop: `${launchctl} bootout ${target}`,
      disable: `${launchctl} disable ${target}`,
    }
  }
  return undefined
}

/** As a shell takes it for one word. */
const quoted = (word: string): string =>
  /^[\w@./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
