import type { Report } from './report.mjs'

export interface Part {
  title: string
  ended?: string
  report?: Report
}
export function runPart(
  title: string,
  command: string,
  args: readonly string[],
  options?: {
    env?: Record<string, string>
    reportIn?: { file: string; read: (json: unknown) => Report }
    isYielding?: boolean
  },
): Promise<Part>
