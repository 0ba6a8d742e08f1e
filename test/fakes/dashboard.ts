import type { Notice } from '../../contract/snapshot.ts'
import { type Dashboard, startDashboard } from '../../core/dashboard/dashboard.ts'
import { staticFiles } from '../../core/dashboard/static-files.ts'
import { systemProcessTable } from '../../core/platform/system-processes.ts'
import { systemClock } from '../../lib/clock.ts'

type Options = Parameters<typeof startDashboard>[0]

/** The real dashboard server over an API of the test, with its sessions in `home`; on a port that the kernel chooses. */
export const startTestDashboard = (
  options: Pick<Options, 'home' | 'api'> & Partial<Options> & { folder: string; notices?: Notice[] },
): Promise<Dashboard> =>
  startDashboard({
    port: 0,
    clock: systemClock(),
    processes: systemProcessTable(),
    registryPort: () => 5050,
    notify: notice => options.notices?.push(notice),
    report: () => {},
    log: () => {},
    onChange: () => {},
    files: staticFiles(options.folder),
    ...options,
  })
