import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes long, the longest first: a long file that begins last keeps one worker while the others have nothing left. */
const long = [
  'test/integration/upgrade/verification.test.ts',
  'test/integration/engine/switch.test.ts',
  'test/integration/electron/entry.test.ts',
  'test/integration/app/app.test.ts',
  'test/chaos/',
  'test/integration/upgrade/upgrade.test.ts',
  'test/integration/keeper/',
  'test/integration/hand-over/',
  'test/integration/rotation/rotation.test.ts',
  'test/integration/maintenance/gc.test.ts',
  'test/integration/registry-ops/',
  'test/integration/registry/start.test.ts',
  'test/integration/storage/storage.test.ts',
]

const rank = ({ moduleId }: TestSpecification): number => {
  const at = long.findIndex(part => moduleId.includes(part))
  return at < 0 ? long.length : at
}

/** Vitest's own order, which without an earlier run knows nothing but the sizes of the files, behind what takes long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
