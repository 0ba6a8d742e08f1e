import type { Figure } from './figure.ts'
import { blobs } from './figures/blobs.ts'
import { configs } from './figures/configs.ts'
import { cpu } from './figures/cpu.ts'
import { crash } from './figures/crash.ts'
import { download } from './figures/download.ts'
import { gc } from './figures/gc.ts'
import { handOver } from './figures/hand-over.ts'
import { keepers } from './figures/keepers.ts'
import { lists } from './figures/lists.ts'
import { manifests } from './figures/manifests.ts'
import { memory } from './figures/memory.ts'
import { neutral } from './figures/neutral.ts'
import { pullMemory } from './figures/pull-memory.ts'
import { push } from './figures/push.ts'
import { pushDelay } from './figures/push-delay.ts'
import { pushes } from './figures/pushes.ts'
import { renderer } from './figures/renderer.ts'
import { restart } from './figures/restart.ts'
import { rotation } from './figures/rotation.ts'
import { scan } from './figures/scan.ts'
import { signedIn } from './figures/signed-in.ts'
import { start } from './figures/start.ts'
import { status } from './figures/status.ts'
import { storeStart } from './figures/store-start.ts'
import { token } from './figures/token.ts'
import { upgrade } from './figures/upgrade.ts'
import { upgradeMemory } from './figures/upgrade-memory.ts'

/** Every figure, in the order of the table. */
export const figures: readonly Figure[] = [
  start,
  crash,
  restart,
  keepers,
  handOver,
  status,
  memory,
  cpu,
  storeStart,
  manifests,
  signedIn,
  token,
  lists,
  blobs,
  push,
  pushes,
  pushDelay,
  pullMemory,
  neutral,
  gc,
  scan,
  upgrade,
  upgradeMemory,
  download,
  rotation,
  configs,
  renderer,
]
