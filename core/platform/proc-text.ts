/** Pure readers of Linux's /proc files: proc(5). */

/** State letter and start time (ms since boot) of /proc/PID/stat. The name in brackets may hold anything. */
export function parseStat(text: string): { state: string; sinceBoot: number } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, ticks] = [fields[0], Number(fields[19])]
  // A tick has been 1/100 s for programs on every Linux that Node runs on.
  return state === undefined || !Number.isFinite(ticks) ? undefined : { state, sinceBoot: ticks * 10 }
}

/** When the system started, in ms since the epoch, from /proc/stat. */
export function parseBootTime(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

export interface Listener {
  /** In Node's form: "127.0.0.1", "::1". */
  address: string
  port: number
  uid: number
  inode: string
}

/** The listening sockets of /proc/net/tcp or tcp6. */
export function parseListeners(text: string): Listener[] {
  const listeners: Listener[] = []
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, , , , uid, , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    // 0A is LISTEN, include/net/tcp_states.h.
    if (state !== '0A') continue
    listeners.push({
      address: parseAddress(address),
      port: Number.parseInt(port, 16),
      uid: Number(uid),
      inode,
    })
  }
  return listeners
}

/** Addresses are hexadecimal, each group of four bytes in the order of the (little-endian) machine. */
function parseAddress(hex: string): string {
  const bytes = (hex.toLowerCase().match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  const numbers = bytes.map(byte => Number.parseInt(byte, 16))
  if (numbers.length === 4) return numbers.join('.')
  if (bytes.slice(0, 12).join('') === '00000000000000000000ffff') return numbers.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((numbers[2 * i] ?? 0) * 256 + (numbers[2 * i + 1] ?? 0)).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** Whether a socket that listens at `bound` answers for `asked`. */
export function coversAddress(bound: string, asked: string): boolean {
  const wildcards = ['0.0.0.0', '::', '*', '']
  if (bound === asked || wildcards.includes(bound) || wildcards.includes(asked)) return true
  return asked === 'localhost' && (bound === '127.0.0.1' || bound === '::1')
}

/** Pids with a lock on the inode, from /proc/locks; waiting ones ("->") left out. */
export function parseLocks(text: string, file: { dev: number; ino: number }): number[] {
  const pids: number[] = []
  for (const line of text.split('\n')) {
    const found = /^\d+: \w+\s+\w+\s+\w+\s+(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line)
    if (found === null || Number(found[4]) !== file.ino) continue
    const dev = { major: Number.parseInt(found[2] ?? '', 16), minor: Number.parseInt(found[3] ?? '', 16) }
    if (dev.major === majorOf(file.dev) && dev.minor === minorOf(file.dev)) pids.push(Number(found[1]))
  }
  return pids
}

/** makedev(3): 12 bits of major and 20 of minor are all that such devices use. */
const majorOf = (dev: number): number => Math.floor(dev / 256) % 4096
const minorOf = (dev: number): number => (dev % 256) + Math.floor(dev / 2 ** 20) * 256

/** Name of a user id in passwd(5). */
export function parseUserName(text: string, uid: number): string | undefined {
  const line = text.split('\n').find(entry => entry.split(':')[2] === String(uid))
  return line?.split(':')[0]
}
