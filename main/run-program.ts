import type { spawn } from 'node:child_process'
import type { Run } from './login-agent.ts'

const limit = 5_000

/** Runs small system programs: output collected, ended after 5 s, code 127 where they cannot be started. */
export const runProgram =
  (start: typeof spawn): Run =>
  (command, args) =>
    new Promise(resolve => {
      const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limit })
      const output = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) {
        const stream = child[name]
        stream.setEncoding('utf8')
        stream.on('data', (text: string) => {
          output[name] += text
        })
      }
      child.on('error', error => resolve({ code: 127, stdout: '', stderr: error.message }))
      child.on('close', code => resolve({ code: code ?? 1, ...output }))
    })
