import { mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { Obtained } from '../releases/release.ts'
import type { Settings } from '../settings/settings.ts'
import type { BuildOptions } from '../upgrade/parts.ts'

interface Options {
  home: string
  settings: Pick<Settings, 'get'>
  clock: Clock
  /** The Go that a release asks for, where it is known. */
  goFor(version: string): Promise<string | undefined>
  /** The version to build when none was named. */
  newest(): Promise<string | undefined>
}

/** Builds zot by the recipe of the settings: what `zotbar upgrade --from source` takes. */
export function createSourceBuilder({ home, settings, clock, goFor, newest }: Options) {
  return async (asked: string | undefined, options: BuildOptions): Promise<Result<Obtained>> => {
    // The SSH client costs memory that only a build needs.
    const [{ buildFromSource }, { needs }] = await Promise.all([import('./build.ts'), import('./recipe.ts')])
    const text = settings.get('build.recipe')
    const output = settings.get('build.output')
    const version = asked ?? (needs('version', `${text}\n${output}`) ? await newest() : undefined)
    const named = settings.get('build.goVersion')
    const go = named !== '' ? named : version === undefined ? undefined : await goFor(version)
    const host = await hostOf(settings.get('build.host'))
    try {
      await mkdir(options.to, { recursive: true, mode: 0o700 })
      const built = await buildFromSource({
        ...(version === undefined ? {} : { version }),
        recipe: {
          text,
          folder: settings.get('build.folder'),
          output,
          limitMs: settings.get('build.minutes') * 60_000,
          ...(go === undefined ? {} : { go }),
        },
        host,
        to: options.to,
        progress: ({ label }) => options.onOutput([label]),
        signal: options.signal,
        clock,
      })
      if (!built.ok) return built
      const { file, sha256, origin } = built.value
      return ok({ origin: 'source', file, bytes: (await stat(file)).size, sha256, from: origin })
    } catch (error) {
      const failure: Failure = { code: 'file-unusable', path: options.to, reason: reasonOf(error) }
      return fail(failure)
    } finally {
      await host.close()
    }
  }

  async function hostOf(target: string) {
    if (target === '') return (await import('../../ssh/local-host.ts')).localHost({ home: homedir(), clock })
    const { sshHost } = await import('../../ssh/ssh-host.ts')
    return sshHost(target, { home: homedir(), zotbarHome: home, clock })
  }
}
