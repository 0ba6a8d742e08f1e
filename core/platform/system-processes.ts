import type { ProcessTable } from './process-table.ts'
import { linuxProcesses } from './processes-linux.ts'
import { macProcesses } from './processes-mac.ts'

/** The process table of the system that this runs on. */
export function systemProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === 'darwin' ? macProcesses() : linuxProcesses()
}
