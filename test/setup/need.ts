import { describe } from 'vitest'
import { tools } from './tools.mjs'

/**
 * A suite that needs real programs. Where one is missing it is reported as skipped, by name and reason;
 * in CI it runs, and fails, so that a missing program is never mistaken for a pass.
 */
export function describeWith(needed: (keyof typeof tools)[], name: string, body: () => void): void {
  const missing = needed.filter(tool => !tools[tool].there())
  if (missing.length === 0 || process.env['CI'] === 'true') describe(name, body)
  else describe.skip(`${name} (skipped: ${missing.join(', ')} not installed)`, body)
}
