import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Workspace } from './workspace.ts'

export interface ReleaseHost {
  /** For the setting `releases.url`. */
  url: string
  /** Where the asset is, as a browser would ask. */
  download: string
  stop(): Promise<void>
}

/** Serves `file` as the asset `name` of a release, from a process of its own. */
export async function startReleaseHost(
  work: Workspace,
  release: { version: string; name: string; file: string },
): Promise<ReleaseHost> {
  const folder = await work.sub('releases')
  const script = join(import.meta.dirname, 'release-host.ts')
  const args = [script, release.version, release.name, release.file]
  const child = work.start(process.execPath, args, {
    cwd: folder,
    log: join(folder, 'log'),
    stdout: 'pipe',
  })
  if (!child.stdout) throw new Error('the server of releases has no output')
  for await (const line of createInterface(child.stdout)) {
    const { url, download } = JSON.parse(line) as { url: string; download: string }
    return { url, download, stop: () => work.end(child) }
  }
  throw new Error('the server of releases ended')
}
