export interface Named {
  file?: string
  name?: string
  error?: string
}
export interface Report {
  passed: number
  failed: Named[]
  flaky: Named[]
  skipped: (Named & { reason?: string | undefined; tests: number })[]
  broken: Named[]
}
export function inOneLine(message: unknown): string
export function ofVitest(modules: readonly unknown[], unhandled: readonly unknown[]): Report
export function ofPlaywright(json: unknown): Report
export function closing(parts: { title: string; ended?: string | undefined; report?: Report }[]): {
  lines: string[]
  ok: boolean
}
