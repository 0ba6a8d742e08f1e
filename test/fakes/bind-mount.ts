import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** A folder that appears at a mount point and goes from it, as a volume does. Only root may, on Linux: else `works` is false. */
export function bindMount(source: string, point: string): { works: boolean; mount(): void; unmount(): void } {
  mkdirSync(source, { recursive: true })
  mkdirSync(point, { recursive: true })
  const works = process.platform === 'linux' && process.getuid?.() === 0
  let mounted = false
  const bind = (): void => {
    execFileSync('mount', ['--bind', source, point], { stdio: 'ignore' })
    mounted = true
  }
  const unmount = (): void => {
    if (mounted) execFileSync('umount', ['-l', point], { stdio: 'ignore' })
    mounted = false
  }
  if (!works) return { works, mount: bind, unmount }
  try {
    bind()
    unmount()
    return { works, mount: bind, unmount }
  } catch {
    return { works: false, mount: bind, unmount }
  }
}
