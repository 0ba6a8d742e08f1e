import { childEnvironment } from '../../lib/child-environment.ts'
import type { Clock } from '../../lib/clock.ts'
import { inspectZot } from '../engine/zot.ts'
import type { SetAside } from '../platform/json-file.ts'
import { createReleases, type Releases } from '../releases/releases.ts'
import type { Settings } from '../settings/settings.ts'
import { createSourceBuilder } from '../source-build/source-builder.ts'
import { newestOf } from './known.ts'

interface Options {
  home: string
  clock: Clock
  settings: Settings
  /** The Go that a release is built with, where that is known. */
  goFor(version: string): Promise<string | undefined>
  report(what: SetAside): void
}

/** Where versions of zot come from: releases, and the recipe that builds one. */
export function createUpgradeSources({ home, clock, settings, goFor, report }: Options): {
  releases: Releases
  build: ReturnType<typeof createSourceBuilder>
} {
  const releases = createReleases({
    home,
    settings: () => ({
      url: settings.get('releases.url'),
      repository: settings.get('releases.repository'),
      publicKey: settings.get('releases.publicKey'),
      check: settings.get('releases.check'),
    }),
    environment: process.env,
    childEnvironment: childEnvironment(process.env),
    inspect: inspectZot,
    clock,
    report,
  })
  const build = createSourceBuilder({
    home,
    settings,
    clock,
    goFor,
    async newest() {
      const listed = await releases.list()
      return listed.ok ? newestOf(listed.value.releases, {}) : undefined
    },
  })
  return { releases, build }
}
