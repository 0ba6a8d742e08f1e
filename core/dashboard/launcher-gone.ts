export interface LauncherLook {
  env: NodeJS.ProcessEnv
  parent: () => number
  everyMs: number
}

const look: LauncherLook = { env: process.env, parent: () => process.ppid, everyMs: 1000 }

/**
 * Calls `gone` once when npx was ended. npx passes SIGTERM on to the shell between it and us, and Debian's shell ends
 * of it without passing it on, so that all we see is another parent. Started in any other way, nothing is watched.
 * Returns what ends the watch.
 */
export function onLauncherGone(gone: () => void, { env, parent, everyMs }: LauncherLook = look): () => void {
  if (env['npm_command'] !== 'exec') return () => undefined
  const first = parent()
  const timer = setInterval(() => {
    if (parent() === first) return
    clearInterval(timer)
    gone()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
