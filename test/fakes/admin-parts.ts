import type { AdminDeps } from '../../registry/admin/admin-server.ts'
import { EventLog } from '../../registry/events/event-log.ts'
import { openDiskStorage } from '../../registry/storage/disk-storage.ts'

/** The administration of a registry over the data folder `root`, without keys, pulls or anything remembered. */
export const adminParts = (root: string): Omit<AdminDeps, 'path'> => ({
  keys: undefined,
  pulls: undefined,
  facts: undefined,
  events: new EventLog(),
  storage: openDiskStorage(root),
  policy: { defaultLife: 90 * 86_400_000, maxLife: 366 * 86_400_000 },
  originOf: () => 'local',
  now: () => 1_772_366_400_000,
  audit: () => {},
})
