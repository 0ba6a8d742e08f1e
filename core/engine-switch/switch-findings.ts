import type { Finding } from '../../contract/runbook.ts'
import { unsupported } from '../../registry/config/supported.ts'
import type { Engine } from '../platform/engine.ts'
import { accessRules } from './access-rules.ts'
import { contentRules } from './content-rules.ts'
import { servingRules } from './serving-rules.ts'
import { anyFile, type SwitchFacts, type SwitchRule } from './switch-rule.ts'

/** All that begins, ends or changes with the other engine. */
export const switchRules: readonly SwitchRule[] = [...accessRules, ...contentRules, ...servingRules]

/** What a switch between the two engines means for this config.json: what is refused, then the gravest first. Pure. */
export function switchFindings(from: Engine['id'], to: Engine['id'], facts: SwitchFacts): Finding[] {
  if (from === to) return []
  const findings: Finding[] = switchRules.flatMap(rule => {
    const outcome = to === 'zot' ? rule.toZot?.(facts) : rule.toOwn?.(facts)
    if (outcome === undefined) return []
    const { severity, keyPath = rule.keys[0] ?? anyFile, advice } = outcome
    return [{ id: rule.id, severity, evidence: `${facts.configFile}: ${keyPath}`, advice }]
  })
  const refused = to === 'zot' ? [] : refusedKeys(facts)
  return [...refused, ...findings].sort((a, b) => gravity[a.severity] - gravity[b.severity])
}

const gravity = { error: 0, warning: 1, info: 2 } as const

/** What zotbar-registry does not start with. */
function refusedKeys(facts: SwitchFacts): Finding[] {
  return unsupported(facts).map(({ keyPath = '', line, message, allowed }) => ({
    id: `refused-${keyPath.replace(/[^\w]+/g, '-').replace(/-+$/, '')}`,
    severity: 'error',
    evidence: `${facts.configFile}${line === undefined ? '' : `:${line}`}: ${keyPath}`,
    advice: `zotbar-registry refuses this key: ${message}${allowed === undefined ? '' : ` (allowed: ${allowed})`}.`,
  }))
}
