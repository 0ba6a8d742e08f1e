import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Migration } from '../../core/platform/migrate-home.ts'

/** Changes of a home as a later build may have them: a file, a folder that moves, one that goes. Done twice is done once. */
export const steps: Migration[] = [
  {
    to: 2,
    changes: ['settings.json', 'notes', 'gone.json', 'never-there'],
    async apply(home) {
      await writeFile(join(home, 'settings.json'), 'new settings')
      await cp(join(home, 'notes'), join(home, 'kept'), { recursive: true }).catch(() => {})
      await rm(join(home, 'notes'), { recursive: true, force: true })
      await rm(join(home, 'gone.json'), { force: true })
    },
  },
  {
    to: 3,
    changes: ['settings.json'],
    apply: home => writeFile(join(home, 'settings.json'), 'newest settings'),
  },
]
