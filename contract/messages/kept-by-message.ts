import type { KeptBy } from '../failure.ts'

/** What would start another program again, and the commands that end it for good. Empty where nothing is known. */
export function keptByMessage(keptBy: KeptBy | undefined): string[] {
  if (keptBy === undefined) return []
  const { manager, name, stop, disable } = keptBy
  const kind = manager === 'launchd' ? 'job' : manager === 'systemd' ? 'unit' : 'container'
  return [
    `It is a ${kind} of ${manager}, ${name}, and may be started again when it ends. End it with: ${stop}`,
    ...(disable === undefined ? [] : [`So that it does not come back at the next login or boot: ${disable}`]),
  ]
}
