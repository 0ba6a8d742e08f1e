import { test as base } from '@playwright/test'
import { snapshotOf, states } from './snapshots.ts'
import { StagedApp } from './staged-app.ts'

/** A test with a staged app that serves, behind the real dashboard server. */
export const test = base.extend<{ app: StagedApp }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are used from here
  app: async ({}, use) => {
    const now = Date.now()
    const app = new StagedApp(snapshotOf(states.serving(now), now))
    await app.open()
    await use(app)
    await app.dispose()
  },
})
