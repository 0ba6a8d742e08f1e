import { inspectZot } from '../../../core/engine/zot.ts'
import { createReleases, type Releases, type ReleasesOptions } from '../../../core/releases/releases.ts'
import { systemClock } from '../../../lib/clock.ts'

type More = Partial<Omit<ReleasesOptions, 'home' | 'settings'>> & { publicKey?: string; check?: boolean }

/** The library as the app makes it, against a server of the tests, with a short wait before it tries again. */
export function releasesAt(
  home: string,
  url: string,
  { publicKey = '', check = true, ...more }: More = {},
): Releases {
  return createReleases({
    home,
    settings: () => ({ url, repository: 'project-zot/zot', publicKey, check }),
    environment: {},
    childEnvironment: { PATH: process.env['PATH'] ?? '' },
    inspect: inspectZot,
    clock: systemClock(),
    report: () => {},
    pace: { backoffMs: 5 },
    ...more,
  })
}
