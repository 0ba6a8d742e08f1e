/** Of the integration tests, those that take longest: `npm test` leaves them to `npm run test:chaos`, and CI runs both. */
export const leftToChaos = [
  'test/chaos/emptied-kill.test.ts',
  'test/chaos/engine-switch.test.ts',
  'test/chaos/hand-over-keepers.test.ts',
  'test/chaos/hand-over-kill.test.ts',
  'test/chaos/rotation.test.ts',
  'test/chaos/upgrade-back.test.ts',
  'test/chaos/upgrade-forward.test.ts',
  'test/integration/hand-over/what-goes-along.test.ts',
  'test/integration/keeper/logout.test.ts',
  'test/integration/registry-admin/silent-keychain.test.ts',
  'test/integration/source-build/build.test.ts',
  'test/integration/upgrade/source.test.ts',
  'test/integration/upgrade/verification.test.ts',
]
