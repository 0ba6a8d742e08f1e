import { startApp } from '../app.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { runWell } from '../program.ts'
import { repeat } from '../rounds.ts'

/** `zotbar status` from spawn to exit, without npx. */
export const status: Figure = {
  name: 'status',
  about: '`zotbar status` time',
  async run({ quick, work, app }) {
    if (!app) return skipped(missing.app)
    const running = await startApp(work, app, await work.sub('status'))
    const count = quick ? 10 : 40
    const time = async (program: string, ...args: string[]) => {
      const once = async () =>
        (await runWell(program, [...args, 'status', '--json'], { env: running.environment })).seconds
      await once()
      return repeat(count, once)
    }
    const bundle = await time(process.execPath, app.cli)
    const launched = await time(app.launcher)
    await running.quit()
    const common = { unit: 's', better: 'less', target: { kind: 'at-most', value: 0.15 } } as const
    return rows(
      { name: '`zotbar status`, pinned Node', ...common, ours: bundle },
      { name: '`zotbar status`, by its launcher', ...common, ours: launched },
    )
  },
}
