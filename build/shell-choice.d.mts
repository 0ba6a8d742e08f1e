interface Facts {
  args: string[]
  platform: string
  env: Record<string, string | undefined>
  uid?: number
  binary?: string
  failedAt?: number
  now: number
}
export type ShellChoice =
  | { shell: 'electron'; binary: string }
  | { shell: 'download' }
  | { shell: 'headless'; why?: string }
export function chooseShell(facts: Facts): ShellChoice
export function hasScreen(platform: string, env: Facts['env']): boolean
export function electronBinary(root: string, env: Facts['env']): string | undefined
export function lastFailure(root: string): number | undefined
export function rememberFailure(root: string, at: number | undefined): void
