import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** A real file system of its own that is soon full, such as "64k". Only root may mount one, on Linux: else `mounted` is false. */
export function smallVolume(folder: string, size: string): { mounted: boolean; unmount(): void } {
  mkdirSync(folder)
  const mounted = mount(folder, size)
  return {
    mounted,
    unmount() {
      if (mounted) execFileSync('umount', ['-l', folder])
    },
  }
}

function mount(folder: string, size: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
