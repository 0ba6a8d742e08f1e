import { fileURLToPath } from 'node:url'
import type { Engine } from '../../../core/platform/engine.ts'

const file = fileURLToPath(new URL('engine.mjs', import.meta.url))

export const fakeEngine: Engine = {
  id: 'zotbar-registry',
  command: process.execPath,
  args: [file, 'serve'],
  environment: {},
  version: '1.2.3',
  drainsItself: true,
  livenessPath: '/livez',
}

export const fakeZot: Engine = { ...fakeEngine, id: 'zot', drainsItself: false, livenessPath: '/v2/' }
