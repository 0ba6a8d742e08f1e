export interface LauncherLook {
  parent: () => number
  everyMs: number
}

const defaultLook: LauncherLook = { parent: () => process.ppid, everyMs: 1000 }

/**
 * Calls `gone` once when npx was ended. npx passes SIGTERM on to the shell between it and us, and Debian's shell ends
 * of it without passing it on, so that all we see is another parent. Started in any other way (`npmCommand`: npm's own
 * variable), nothing is watched. Returns what ends the watch.
 */
export function onLauncherGone(
  npmCommand: string | undefined,
  onGone: () => void,
  { parent, everyMs }: LauncherLook = defaultLook,
): () => void {
  if (npmCommand !== 'exec') return () => undefined
  const first = parent()
  const timer = setInterval(() => {
    if (parent() === first) return
    clearInterval(timer)
    onGone()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
