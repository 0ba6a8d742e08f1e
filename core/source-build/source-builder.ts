import { mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { Built } from './build.ts'

/** What the settings `build.*` say. */
interface RecipeSettings {
  recipe: string
  /** Where it runs, an SSH target; empty: on this machine. */
  host: string
  folder: string
  output: string
  /** The Go to build with; empty: the one that the release asks for. */
  goVersion: string
  minutes: number
}

interface Request {
  /** A folder for the program; made where it is not there. */
  to: string
  /** Lines of the build's output. */
  onOutput(lines: string[]): void
  signal: AbortSignal
}

interface Options {
  home: string
  settings(): RecipeSettings
  clock: Clock
  /** The Go that a release asks for, where it is known. */
  goFor(version: string): Promise<string | undefined>
  /** The version to build when none was named. */
  newest(): Promise<string | undefined>
}

/** Builds zot by the recipe of the settings: what `zotbar upgrade --from source` takes. */
export function createSourceBuilder({ home, settings, clock, goFor, newest }: Options) {
  return async (
    requested: string | undefined,
    request: Request,
  ): Promise<Result<Built & { bytes: number }>> => {
    // The SSH client costs memory that only a build needs.
    const [{ buildFromSource }, { hasPlaceholder: needs }] = await Promise.all([
      import('./build.ts'),
      import('./recipe.ts'),
    ])
    const { recipe: text, host: target, folder, output, goVersion, minutes } = settings()
    const version = requested ?? (needs('version', `${text}\n${output}`) ? await newest() : undefined)
    const go = goVersion !== '' ? goVersion : version === undefined ? undefined : await goFor(version)
    const host = await hostOf(target)
    try {
      await mkdir(request.to, { recursive: true, mode: 0o700 })
      const built = await buildFromSource({
        ...(version === undefined ? {} : { version }),
        recipe: {
          text,
          folder,
          output,
          limitMs: minutes * 60_000,
          ...(go === undefined ? {} : { go }),
        },
        host,
        to: request.to,
        progress: ({ label }) => request.onOutput([label]),
        signal: request.signal,
        clock,
      })
      if (!built.ok) return built
      return ok({ ...built.value, bytes: (await stat(built.value.file)).size })
    } catch (error) {
      const failure: Failure = { code: 'file-unusable', path: request.to, reason: reasonOf(error) }
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
