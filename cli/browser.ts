import { spawn } from 'node:child_process'
import { errorCode } from '../lib/error-code.ts'

/**
 * Opens a file with the system's opener, without a shell. Resolves with why it could not, or undefined. The opener is
 * given 10 s: some stay for as long as the browser does.
 */
export function openInBrowser(
  file: string,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  const command = platform === 'darwin' ? 'open' : 'xdg-open'
  return new Promise(resolve => {
    const child = spawn(command, [file], { stdio: 'ignore', detached: true })
    const timer = setTimeout(() => resolve(undefined), 10_000)
    child.on('error', error => {
      clearTimeout(timer)
      const missing = errorCode(error) === 'ENOENT'
      resolve(missing ? `There is no ${command}` : `${command} could not be started: ${error.message}`)
    })
    child.on('exit', code => {
      clearTimeout(timer)
      resolve(code === 0 ? undefined : `${command} ended with exit code ${code}`)
    })
    child.unref()
  })
}
