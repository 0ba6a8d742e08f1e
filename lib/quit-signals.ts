/**
 * Calls `quit` once at the first SIGTERM, SIGINT or SIGHUP. The same signal arriving again (a launcher and the terminal
 * both send it) changes nothing; neither does another of the three while quitting.
 * Returns what takes the handlers away.
 */
export function onQuitSignal(
  quit: (signal: NodeJS.Signals) => void,
  from: Pick<NodeJS.Process, 'on' | 'off'> = process,
): () => void {
  const signals: NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP']
  let hasQuit = false
  const handle = (signal: NodeJS.Signals): void => {
    if (hasQuit) return
    hasQuit = true
    quit(signal)
  }
  for (const signal of signals) from.on(signal, handle)
  return () => {
    for (const signal of signals) from.off(signal, handle)
  }
}
