/** Pure readers of what ps(1) and lsof(8) print on macOS. */

/** `ps -o lstart=` run with LC_ALL=C and TZ=UTC ("Sun Mar  1 12:00:05 2026"), in ms since the epoch. */
export function parseStarted(text: string): number | undefined {
  const found = /^\w{3} (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4})$/.exec(text.trim())
  if (found === null) return undefined
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const [, month = '', day, hour, minute, second, year] = found
  if (!months.includes(month)) return undefined
  return Date.UTC(
    Number(year),
    months.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
}

export interface OpenedBy {
  pid: number
  command?: string
  user?: string
  /** Files, or "ADDRESS:PORT" for sockets. */
  names: string[]
}

/** `lsof -F pcLn`: one field a line, its kind as the first letter; a "p" begins the next process. */
export function parseLsof(text: string): OpenedBy[] {
  const processes: OpenedBy[] = []
  for (const line of text.split('\n')) {
    const [kind, value] = [line[0], line.slice(1)]
    if (kind === 'p') processes.push({ pid: Number(value), names: [] })
    const current = processes.at(-1)
    if (current === undefined) continue
    if (kind === 'c') current.command = value
    else if (kind === 'L') current.user = value
    else if (kind === 'n') current.names.push(value)
  }
  return processes
}

/** The address of "127.0.0.1:5050", "[::1]:5050" or "*:5050". */
export function addressOf(name: string): string {
  return name.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}
