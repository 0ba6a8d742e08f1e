import type { Actor } from '../../contract/caller.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { SettingChanged, SettingRow } from '../../contract/setting.ts'
import { parseOpenAddress, rightsText } from '../../registry/config/anonymous-rights.ts'
import type { OpenRegistry } from '../registry-config/open-registry.ts'
import { readTarget } from '../registry-config/preflight.ts'
import type { Runs } from '../runbook/runs.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

interface Deps {
  configFile: string
  settings: Settings
  openRegistry: Pick<OpenRegistry, 'agree'>
  supervisor: Pick<Supervisor, 'state' | 'start'>
  runs: Pick<Runs, 'exclusively'>
  log(message: string, data?: Record<string, unknown>): void
}

const key = 'registry.open'

/**
 * Changes the setting `registry.open`. Whoever names the address of config.json agrees to what everybody may do there now;
 * a registry that waits for it is started. Another address is refused: nobody knows what would be open there; and in the app
 * rights that are not those that its question showed. No run begins meanwhile.
 */
export function createOpenSetting({ configFile, settings, openRegistry, supervisor, runs, log }: Deps) {
  return (value: SettingRow['value'] | null, by: Actor): Promise<Result<SettingChanged>> =>
    runs.exclusively('the agreement to an open registry', () => agree(value, by))

  async function agree(value: SettingRow['value'] | null, by: Actor): Promise<Result<SettingChanged>> {
    const address = parseOpenAddress(String(value ?? ''))
    if (address === undefined) return settings.set(key, value, 'cli')
    const target = await readTarget(configFile, 'zot')
    if (!target.ok) return target
    const { openAt, rights } = target.value
    if (openAt !== address) {
      const allowed =
        openAt ?? 'nothing: config.json opens it to nobody, or asks people who they are (http.auth)'
      return fail({ code: 'bad-setting', key, wrong: String(value).slice(0, 200), allowed })
    }
    const before = supervisor.state()
    const shown =
      before.kind === 'undecided' && before.open?.address === address ? before.open.rights : undefined
    if (by === 'window' && shown !== undefined && shown.join('\n') !== rightsText(rights).join('\n')) {
      // Looks again, so that the next question shows what it is now.
      void supervisor.start()
      return fail({ code: 'config-edited-meanwhile', file: configFile })
    }
    const recorded = await openRegistry.agree({ openAt, rights }, by)
    const done = recorded.ok ? await settings.set(key, address, 'cli') : recorded
    if (!done.ok) return done
    log('an open registry is agreed to', { address, by })
    const state = supervisor.state()
    if (state.kind !== 'undecided' || state.why !== 'open-registry') return done
    const started = await supervisor.start()
    return started.ok ? { ok: true, value: { ...done.value, takesEffect: 'now' } } : started
  }
}
