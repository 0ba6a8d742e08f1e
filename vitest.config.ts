import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/setup/longest-first.ts'

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // Nothing here waits: long enough for property tests on a busy machine with a slow disk.
          testTimeout: 120_000,
          hookTimeout: 60_000,
          include: [
            'test/unit/**/*.test.ts',
            'test/unit/**/*.test.tsx',
            'test/architecture.test.ts',
            'test/functions.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          // For what the tests start: a process of the source is there in half the time.
          env: {
            NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'zotbar-tests', 'code'),
          },
          include: ['test/integration/**/*.test.ts', 'test/chaos/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // They wait for processes more than they work: a third one uses what two cores leave idle.
          maxWorkers: 3,
        },
      },
    ],
  },
})
