import * as v from 'valibot'
import { readBaseline } from '../verify/read-baseline.ts'

const obtained = v.looseObject({
  origin: v.picklist(['release', 'url', 'file', 'source']),
  file: v.string(),
  bytes: v.number(),
  sha256: v.string(),
  version: v.exactOptional(v.string()),
  from: v.string(),
})

/** An installed zot, by the folder that it lies in. */
const installedZot = v.object({
  /** The folder's name under engines/zot. */
  name: v.string(),
  version: v.string(),
  /** Absolute, of the program. */
  path: v.string(),
  sha256: v.string(),
})
export type InstalledZot = v.InferOutput<typeof installedZot>

/** Whether a check passed before anything was changed; what did not cannot fail afterwards. */
const baseline = v.object({
  publicUrl: v.exactOptional(
    v.object({
      answers: v.boolean(),
      lists: v.picklist(['yes', 'no', 'hidden']),
      reason: v.exactOptional(v.string()),
    }),
  ),
  /** By command line. */
  checks: v.record(v.string(), v.boolean()),
  /** What the version before let be read. */
  reads: v.exactOptional(readBaseline),
})
export type Baseline = v.InferOutput<typeof baseline>

/** What the journal of an upgrade remembers. The edit of config.json is in `work`: it may quote what is secret. */
export const upgradeMemory = v.object({
  id: v.string(),
  /** A folder of this run alone, absolute. */
  work: v.string(),
  /** The inventory's file while the run lasts. */
  censusFile: v.string(),
  tags: v.exactOptional(v.number()),
  /** What runs, or would be started, when it begins. */
  from: v.object({ command: v.string(), version: v.exactOptional(v.string()), settingPath: v.string() }),
  /** The version asked for; absent where only the file says it. */
  version: v.exactOptional(v.string()),
  /** A path, an address or "source"; absent for a release. */
  source: v.exactOptional(v.string()),
  /** Why something else that was asked for is an upgrade. */
  note: v.exactOptional(v.string()),
  undo: v.boolean(),
  yes: v.boolean(),
  allowDowngrade: v.boolean(),
  /** It was asked for by its name, so that an earlier failure of it is no reason to refuse. */
  named: v.boolean(),
  baseline: v.exactOptional(baseline),
  /** SHA-256 of the config.json that the new version accepted. */
  accepted: v.exactOptional(v.string()),
  got: v.exactOptional(obtained),
  trust: v.exactOptional(
    v.object({ sha256: v.string(), origin: v.picklist(['published', 'signed', 'unproven']) }),
  ),
  /** The program that runs now, as it lies under engines/zot. */
  old: v.exactOptional(installedZot),
  to: v.exactOptional(installedZot),
  /** config.json changes with it. */
  edit: v.exactOptional(v.literal(true)),
  /** ms since the epoch. */
  snapshotAt: v.exactOptional(v.number()),
  /** It runs already: nothing is to be done. */
  needless: v.boolean(),
})
export type UpgradeMemory = v.InferOutput<typeof upgradeMemory>

export const upgradeName = 'upgrade'
