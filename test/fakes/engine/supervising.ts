// A supervisor in a process of its own, to be killed: `node supervising.ts HOME CONFIG`. Prints each state as a line.
import { readFileSync } from 'node:fs'
import { systemProcessTable } from '../../../core/platform/system-processes.ts'
import { createSupervisor } from '../../../core/supervisor/supervisor.ts'
import { systemClock } from '../../../lib/clock.ts'
import { fakeEngine } from './fake-engine.ts'

const [, , home = '', configFile = ''] = process.argv
const { port } = JSON.parse(readFileSync(configFile, 'utf8'))
const supervisor = createSupervisor({
  engine: fakeEngine,
  home,
  configFile,
  clock: systemClock(),
  processes: systemProcessTable(),
  preflight: async () => ({ ok: true, value: { url: `http://127.0.0.1:${port}`, host: '127.0.0.1', port } }),
  uploadsInProgress: async () => [],
  uploadsLeft: async () => [],
  childEnvironment: {},
  log: () => {},
  report: () => {},
})
supervisor.onChange(() => console.log(JSON.stringify(supervisor.state())))
await supervisor.begin()
