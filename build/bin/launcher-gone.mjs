/**
 * Raises SIGTERM here once npx was ended. npx passes SIGTERM on to the shell between it and us, and Debian's shell ends
 * of it without passing it on, so that all we see is another parent. Started in any other way, nothing is watched.
 */
export function endWithLauncher(everyMs = 1000) {
  if (process.env.npm_command !== 'exec') return
  const first = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === first) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, everyMs)
  timer.unref()
}
