import { createInterface } from 'node:readline/promises'
import type { Output } from './output.ts'

/** Whether nobody can be asked: the answer goes to a program, or no terminal is there. */
export const isUnattended = ({ json }: Pick<Output, 'json'>): boolean => json || !process.stdin.isTTY

/** Asks on the terminal; anything but a yes is a no. */
export async function askForYes(verb: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const typed = await terminal.question(`${verb}? (y/N) `).finally(() => terminal.close())
  return /^y(es)?$/i.test(typed.trim())
}
