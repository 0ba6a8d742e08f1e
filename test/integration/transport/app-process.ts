import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const source = (path: string): string =>
  JSON.stringify(pathToFileURL(join(import.meta.dirname, '..', '..', '..', path)).href)

/** An app as a process of its own: connects, and writes down what it is asked. It answers nothing by itself. */
export interface AppProcess {
  pid: number
  /** What it wrote so far: `{live: true}`, `{request}`, `{withdrawn}`. */
  lines(): Record<string, unknown>[]
  kill(): Promise<void>
}

export function startAppProcess(at: { home: string; socketPath: string }): AppProcess {
  const script = `
    import { connectCore } from ${source('client/core-connection.ts')}
    import { clientHello } from ${source('client/hello.ts')}
    import { systemClock } from ${source('lib/clock.ts')}
    const say = line => process.stdout.write(JSON.stringify(line) + '\\n')
    const app = connectCore({
      ...${JSON.stringify(at)},
      hello: clientHello('app'),
      offers: ['open', 'question', 'sign-in'],
      looking: false,
      clock: systemClock(),
      onAsk({ request, withdrawn }) {
        say({ request })
        return new Promise(() => withdrawn.addEventListener('abort', () => say({ withdrawn: withdrawn.reason })))
      },
    })
    app.on('state', state => say({ state: state.kind }))`
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const exited = new Promise<void>(resolve => child.on('exit', () => resolve()))
  return {
    pid: child.pid ?? 0,
    lines: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as Record<string, unknown>),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
