import type { CurrentTarget } from '../registry-config/current-target.ts'
import type { OpenRegistry } from '../registry-config/open-registry.ts'
import { readTarget } from '../registry-config/preflight.ts'

interface Options {
  configFile: string
  engine(): { id: 'zotbar-registry' | 'zot' }
  openRegistry: Pick<OpenRegistry, 'isTaken'>
  target: Pick<CurrentTarget, 'reloaded'>
  onChange(): void
}

/** Follows what everybody may do: both engines take accessControl over from config.json while they serve. */
export const followRights =
  ({ configFile, engine, openRegistry, target, onChange }: Options) =>
  async (): Promise<void> => {
    const { id } = engine()
    const read = await readTarget(configFile, id)
    const isTaken = read.ok && (id === 'zot' || openRegistry.isTaken(read.value))
    if (isTaken && target.reloaded(read.value)) onChange()
  }
