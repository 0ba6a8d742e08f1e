import { EventEmitter } from 'node:events'
import { writeSync } from 'node:fs'
import type { Child, Spawn } from '../../../core/supervisor/child-process.ts'

class FakeChild extends EventEmitter implements Child {
  readonly pid: number
  readonly signals: string[] = []

  constructor(pid: number) {
    super()
    this.pid = pid
  }

  kill(signal: NodeJS.Signals): boolean {
    this.signals.push(signal)
    return true
  }

  unref(): void {}

  end(code: number | null, signal: string | null = null): void {
    this.emit('exit', code, signal)
  }
}

/** Spawns nothing; what was asked for is in `children`. Each writes one line to its output. */
export function fakeSpawn() {
  const children: FakeChild[] = []
  const asked: { command: string; args: string[]; env: Record<string, string> }[] = []
  const spawn: Spawn = (command, args, { env, stdio }) => {
    const child = new FakeChild(5000 + children.length)
    writeSync(stdio[1], `process ${child.pid}\n`)
    children.push(child)
    asked.push({ command, args, env })
    return child
  }
  return { spawn, children, asked }
}
