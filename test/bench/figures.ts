import type { Figure } from './figure.ts'
import { blobs } from './figures/blobs.ts'
import { cpu } from './figures/cpu.ts'
import { crash } from './figures/crash.ts'
import { manifests } from './figures/manifests.ts'
import { memory } from './figures/memory.ts'
import { push } from './figures/push.ts'
import { renderer } from './figures/renderer.ts'
import { restart } from './figures/restart.ts'
import { scan } from './figures/scan.ts'
import { start } from './figures/start.ts'
import { status } from './figures/status.ts'

/** Every figure, in the order of the table. */
export const figures: readonly Figure[] = [
  start,
  crash,
  restart,
  status,
  memory,
  cpu,
  manifests,
  blobs,
  push,
  scan,
  renderer,
]
