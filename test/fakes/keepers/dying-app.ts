#!/usr/bin/env node
// Electron that finds or starts a core, as the app does, and dies as a program that the system cannot run.
import { keepCore } from '../../../client/keep-core.ts'
import { ok } from '../../../contract/result.ts'
import { systemClock } from '../../../lib/clock.ts'
import { resolveHome } from '../../../lib/home.ts'

const kept = keepCore({
  home: resolveHome(),
  program: ok({ node: process.execPath, args: ['--disable-sigusr1', process.env['ZOTBAR_TEST_CORE'] ?? ''] }),
  service: { installed: async () => false, start: async () => ok(null) },
  clock: systemClock(),
})
const ready = await kept.ready()
console.error(JSON.stringify(ready))
process.kill(process.pid, 'SIGTRAP')
