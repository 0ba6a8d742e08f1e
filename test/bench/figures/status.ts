import { startApp } from '../app.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { runWell } from '../program.ts'
import { repeat } from '../rounds.ts'
import { onPath } from '../workspace.ts'

/** `zotbar status` from spawn to exit, without npx. */
export const status: Figure = {
  name: 'status',
  about: '`zotbar status` time',
  async run({ quick, work, app, say }) {
    if (!app) return skipped(missing.app)
    const running = await startApp(work, app, await work.sub('status'))
    const count = quick ? 10 : 40
    const time = async (node: string, file: string) => {
      const once = async () =>
        (await runWell(node, [file, 'status', '--json'], { env: running.environment })).seconds
      await once()
      return repeat(count, once)
    }
    const bundle = await time(process.execPath, app.cli)
    // npm puts the pinned Node first; a user's shell finds the host's, and the launcher passes on to the pinned one.
    const host = onPath('node', folder => folder.includes('node_modules'))
    if (host === undefined) say('status: no Node but the pinned one on PATH, so the launcher is not timed')
    const launched = host === undefined ? undefined : await time(host, app.launcher)
    await running.quit()
    const common = { unit: 's', better: 'less', target: { kind: 'at-most', value: 0.15 } } as const
    return rows(
      { name: '`zotbar status`, pinned Node', ...common, ours: bundle },
      ...(launched
        ? [{ name: "`zotbar status`, launcher on the host's Node", ...common, ours: launched }]
        : []),
    )
  },
}
