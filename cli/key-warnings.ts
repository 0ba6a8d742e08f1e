import type { KeyWarning } from '../contract/key.ts'
import { keyWarningMessage } from '../contract/messages/key-warning-message.ts'
import type { Output } from './output.ts'

/** What a person has to know before the new key is used, with the policy that is missing in config.json. */
export function printWarnings(out: Output, warnings: readonly KeyWarning[] = []): void {
  for (const warning of warnings) {
    const { title, detail, rule } = keyWarningMessage(warning)
    out.note(`! ${title}. ${detail}`)
    if (rule) out.note(`  ${rule.place}\n    ${rule.text}\n  ${rule.hint}`)
  }
}
