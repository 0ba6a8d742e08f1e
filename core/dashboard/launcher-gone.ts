export interface LauncherLook {
  env: NodeJS.ProcessEnv
  parent: () => number
  everyMs: number
}

const defaultLook: LauncherLook = { env: process.env, parent: () => process.ppid, everyMs: 1000 }

/**
 * Calls `gone` once when npx was ended. npx passes SIGTERM on to the shell between it and us, and Debian's shell ends
 * of it without passing it on, so that all we see is another parent. Started in any other way, nothing is watched.
 * Returns what ends the watch.
 */
export function onLauncherGone(
  onGone: () => void,
  { env, parent, everyMs }: LauncherLook = defaultLook,
): () => void {
  if (env['npm_command'] !== 'exec') return () => undefined
  const first = parent()
  const timer = setInterval(() => {
    if (parent() === first) return
    clearInterval(timer)
    onGone()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
