import type { Emitter } from '../../lib/emitter.ts'
import { createReleaseAdvice } from '../advisories/release-advice.ts'
import { createEngineControl } from '../engine-switch/engine-control.ts'
import { createKeyWatch } from '../notices/key-watch.ts'
import { createNoticeControl } from '../notices/notice-control.ts'
import { createWeb } from '../platform/web.ts'
import { keyRegistryName } from '../registry-client/registry-access.ts'
import { keyWarnings } from '../registry-config/key-warnings.ts'
import { withoutPages } from '../registry-config/sign-in-place.ts'
import { createRotationControl } from '../rotation/rotation-control.ts'
import { createRuns } from '../runbook/runs.ts'
import { openKeyStore } from '../secrets/key-store.ts'
import { createOlderSecrets } from '../secrets/older-secrets.ts'
import { createUpgradeControl } from '../upgrade/upgrade-control.ts'
import { createUpgradeSources } from '../upgrade/upgrade-sources.ts'
import type { Ground } from './create-ground.ts'
import type { RegistryFeatures } from './create-registry.ts'
import { openSignIn } from './open-sign-in.ts'
import { createServedBefore } from './served-before.ts'
import type { AppEvents, AppOptions } from './wiring.ts'

/** The runbooks, and what watches for a reason to begin one. */
export async function createRunbookFeatures(
  options: AppOptions,
  events: Emitter<AppEvents>,
  features: Ground & RegistryFeatures,
) {
  const { adminSocket, clock, engines, home, keeper, settings, shells } = options
  const { common, target, engine, storage, folder, decision, supervisor, access, tail, checkHolders } =
    features
  const { registry } = access
  const { notify } = common
  const engineDeps = { current: engine.now, use: engine.use, engines, checkHolders }

  const runs = createRuns({ ...common, supervisor, notify })
  const web = createWeb({ environment: process.env })
  const advice = createReleaseAdvice({
    ...common,
    web,
    now: clock.now,
    url: () => settings.get('advice.url'),
    timeLimits: () => settings.get('upgrade.timeLimits'),
  })
  const upgrade = createUpgradeControl({
    ...common,
    ...engineDeps,
    ...createUpgradeSources({ ...common, goFor: advice.goFor }),
    supervisor,
    keeper,
    advice,
    running: engine.version,
    registry,
    account: access.admin.credential,
    authorization: access.authorization,
    pushes: () => storage.uploadsInProgress(),
    tail,
    runs,
    notify,
  })
  const engineControl = createEngineControl({
    ...common,
    ...engineDeps,
    supervisor,
    ask: registry.ask,
    tail,
    runs,
    folder: { ...decision, ...createServedBefore(folder.folderWatch, decision.choice) },
    advice,
    running: engine.version,
    changeVersion: upgrade.changeVersion,
  })
  const store = openKeyStore({
    home,
    keychain: options.keychain,
    keyFile: () => settings.get('secrets.keyFile'),
    plain: () => settings.get('secrets.plain'),
    passphrase: options.handedOver?.passphrase,
  })
  const address = (): string => keyRegistryName(target.target())
  const serves = (): boolean => supervisor.state().kind === 'serving'
  const rotation = await createRotationControl({
    ...common,
    store,
    runs,
    registry,
    adminSocket,
    supervisor,
    tail,
    address,
    serves,
    keyWarnings: key => keyWarnings(common.configFile, engine.now().id, key),
    signInPlace() {
      const place = target.signIn()
      const hasPages = engine.now().features?.includes('ui') ?? true
      return place === undefined || hasPages ? place : withoutPages(place)
    },
    signInWindow: {
      isOffered: () => shells.offers().includes('sign-in'),
      open: openSignIn(shells),
    },
    followRuns: listener => events.on('changed', listener),
    onChange: () => events.emit('managed-keys'),
  })
  access.keys.reachThrough(rotation.owners)
  const olderSecrets = createOlderSecrets({
    ...common,
    keychain: options.keychain,
    async accounts() {
      const admin = await access.admin.account()
      return [
        ...admin.filter(account => !options.secrets.isInFile(account)),
        ...(await rotation.keychainAccounts()),
      ]
    },
  })
  const keyWatch = createKeyWatch({
    ...common,
    serves,
    list: access.keys.list,
    managedUsers: () => rotation.summaries().map(({ user }) => user),
    marked: rotation.handlers.marked,
    onChange: () => events.emit('managed-keys'),
  })
  const keyNotices = createNoticeControl({
    ...common,
    web,
    keys: rotation.summaries,
    watch: keyWatch,
    address,
    notify,
  })

  for (const { kinds } of [engineControl, upgrade, rotation]) runs.register(kinds)
  return { runs, web, advice, engineControl, upgrade, rotation, olderSecrets, keyWatch, keyNotices, store }
}
