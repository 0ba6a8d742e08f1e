import { type ChildProcess, spawn } from 'node:child_process'

/** Keeps a program alive as launchd does with KeepAlive, but for 10 s between two starts: 1 s. */
export function keepAlive(home: string, program: string, configFile: string) {
  let isEnded = false
  let child = start()
  let timer: NodeJS.Timeout | undefined

  function start(): ChildProcess {
    const started = spawn(program, ['serve', configFile], {
      stdio: 'ignore',
      env: { HOME: home, PATH: '/usr/bin:/bin' },
    })
    started.once('exit', () => {
      if (isEnded) return
      timer = setTimeout(() => {
        child = start()
      }, 1000)
    })
    return started
  }

  return {
    pid: () => child.pid,
    /** As a crash. */
    kill: () => void child.kill('SIGKILL'),
    /** As `launchctl bootout`. */
    end: () =>
      new Promise<void>(done => {
        isEnded = true
        clearTimeout(timer)
        if (child.exitCode !== null || child.signalCode !== null) return done()
        child.once('exit', () => done())
        child.kill('SIGTERM')
      }),
  }
}
