import type { Undecided } from '../../contract/undecided.ts'

const file = '/home/ada/.config/zot/config.json'

/** A store that a zot served until just now, and nobody has chosen an engine for. `now` in ms since the epoch. */
export const zotStore = (now: number): Undecided => ({
  why: 'store-of-another-engine',
  found: {
    folder: '/home/ada/zot',
    holds: 'images',
    repositories: 58,
    tags: 412,
    bytes: 41_200_000_000,
    databases: ['/home/ada/zot/cache.db', '/home/ada/zot/meta.db'],
    modifiedAt: now - 900_000,
    freeBytes: 212_000_000_000,
  },
  config: {
    file,
    modifiedAt: now - 86_400_000,
    refused: [],
    withoutEffect: [
      {
        message: 'zotbar-registry does not pull through: what upstreams hold is not found',
        keyPath: 'extensions.sync',
        line: 20,
        column: 5,
      },
    ],
  },
  was: {
    folder: '/home/ada/zot',
    servedBy: {
      engine: 'zot',
      version: 'v2.1.13',
      program: '/home/ada/code/3rd/zot/bin/zot',
      until: now - 240_000,
      ours: false,
    },
  },
  commands: [
    'zotbar engine use zot --path /home/ada/code/3rd/zot/bin/zot',
    'zotbar engine use zotbar-registry',
  ],
})

/** config.json names another folder, and that one is empty. `now` in ms since the epoch. */
export const otherFolder = (now: number): Undecided => ({
  why: 'other-folder',
  difference: 'path',
  found: {
    folder: '/Volumes/registry/zot',
    holds: 'nothing',
    databases: [],
    modifiedAt: now - 17_280_000,
    freeBytes: 1_800_000_000_000,
  },
  config: {
    file,
    modifiedAt: now - 51_000_000,
    refused: [],
    withoutEffect: [],
    rootDirectory: { line: 3, column: 22 },
  },
  was: {
    folder: '/home/ada/zot',
    repositories: 58,
    tags: 412,
    bytes: 41_200_000_000,
    asOf: now - 51_660_000,
    servedBy: {
      engine: 'zot',
      version: 'v2.1.15',
      program: '/home/ada/zot-v2.1.15',
      until: now - 51_660_000,
      ours: true,
    },
  },
  commands: ['zotbar data show', 'zotbar data accept'],
})

/** config.json opens everything to everybody, as half of all public ones do. `now` in ms since the epoch. */
export const openToAll = (now: number): Undecided => ({
  why: 'open-registry',
  found: { folder: '/home/ada/zot', holds: 'images', repositories: 58, tags: 412, databases: [] },
  config: { file, modifiedAt: now - 51_000_000, refused: [], withoutEffect: [] },
  open: { address: '0.0.0.0:5050', most: 'push', rights: ['pull, push, overwrite in **'] },
  commands: ['zotbar settings set registry.open 0.0.0.0:5050'],
})
