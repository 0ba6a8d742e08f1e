// Stands in for launchd and systemd as keepers of one job: starts it again after failures only, throttled.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

export interface ManagerOptions {
  kind: 'launchd' | 'systemd'
  socket: string
  /** The job: program and arguments. */
  command: string[]
  /** launchd: no start sooner than this after the one before (10 s). systemd: the pause before each (100 ms). */
  pauseMs: number
}

const { kind, socket, command, pauseMs }: ManagerOptions = JSON.parse(process.argv[2] ?? '')
const say = (what: object): void => console.log(JSON.stringify(what))
let pid: number | undefined
let wanted = false
let startedAt = 0

function start(): void {
  if (pid !== undefined) return
  wanted = true
  startedAt = Date.now()
  const [program = '', ...args] = command
  // Each job is in a session of its own, and finds its output as the service's file says.
  const job = spawn(program, args, { detached: true, stdio: 'ignore', cwd: '/' })
  const mine = job.pid ?? 0
  pid = mine
  say({ started: mine })
  job.on('exit', (code, signal) => {
    pid = undefined
    if (kind === 'launchd') killGroup(mine)
    const restarts = wanted && isFailure(code, signal)
    say({ ended: mine, code, signal, restarts })
    if (!restarts) return
    const rest = kind === 'launchd' ? startedAt + pauseMs - Date.now() : pauseMs
    setTimeout(() => wanted && start(), Math.max(0, rest))
  })
}

/** KeepAlive {SuccessfulExit: false}; Restart=on-failure, which counts the usual signals as an end that was meant. */
function isFailure(code: number | null, signal: NodeJS.Signals | null): boolean {
  if (code === 0) return false
  return kind === 'launchd' || !['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE'].includes(signal ?? '')
}

/** launchd kills what is left of the process group of a job; systemd with KillMode=process kills nothing. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nothing was left.
  }
}

/** bootout, systemctl stop, and the end of a session. */
function stop(): void {
  wanted = false
  if (pid !== undefined) process.kill(pid, 'SIGTERM')
}

createServer({ allowHalfOpen: true }, client => {
  client.on('data', word => {
    if (String(word) === 'start\n') start()
    if (String(word) === 'stop\n') stop()
  })
  client.on('end', () => client.end('ok\n'))
  client.on('error', () => {})
}).listen(socket, () => say({ listens: true }))
