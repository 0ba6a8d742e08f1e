import { ok } from '../../contract/result.ts'
import { childEnvironment } from '../../lib/child-environment.ts'
import type { Clock } from '../../lib/clock.ts'
import { inspectZot } from '../engine/zot.ts'
import type { SetAside } from '../platform/json-file.ts'
import { createReleases, type Releases } from '../releases/releases.ts'
import type { Settings } from '../settings/settings.ts'
import { createSourceBuilder } from '../source-build/source-builder.ts'
import type { UpgradeDeps } from './deps.ts'
import { newestRelease } from './versions.ts'

interface Options {
  home: string
  clock: Clock
  settings: Settings
  /** The Go that a release is built with, where that is known. */
  goFor(version: string): Promise<string | undefined>
  report(setAside: SetAside): void
}

/** Where versions of zot come from: releases, and the recipe that builds one. */
export function createUpgradeSources({ home, clock, settings, goFor, report }: Options): {
  releases: Releases
  build: UpgradeDeps['build']
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
  const buildSource = createSourceBuilder({
    home,
    settings: () => ({
      recipe: settings.get('build.recipe'),
      host: settings.get('build.host'),
      folder: settings.get('build.folder'),
      output: settings.get('build.output'),
      goVersion: settings.get('build.goVersion'),
      minutes: settings.get('build.minutes'),
    }),
    clock,
    goFor,
    async newest() {
      const listed = await releases.list()
      return listed.ok ? newestRelease(listed.value.releases, {}) : undefined
    },
  })
  return {
    releases,
    async build(version, request) {
      const built = await buildSource(version, request)
      if (!built.ok) return built
      const { origin: from, ...program } = built.value
      return ok({ origin: 'source', ...program, from })
    },
  }
}
