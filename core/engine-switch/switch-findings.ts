import type { Finding } from '../../contract/runbook.ts'
import type { Engine } from '../platform/engine.ts'

/** What of config.json decides what a switch means. */
export interface ConfigFacts {
  configFile: string
  apiKeys: boolean
  /** Browser sessions: sign-in by an identity provider, or by password. */
  sessions: boolean
  pullThrough: boolean
  search: boolean
}

/** What stops working, or works differently, with the other engine. Pure. */
export function switchFindings(from: Engine['id'], to: Engine['id'], facts: ConfigFacts): Finding[] {
  if (from === to) return []
  const { configFile } = facts
  const findings: Finding[] = []
  const add = (id: string, severity: Finding['severity'], keyPath: string, advice: string): void => {
    findings.push({ id, severity, evidence: `${configFile}: ${keyPath}`, advice })
  }
  if (facts.apiKeys)
    add(
      'api-keys',
      'warning',
      'http.auth.apikey',
      `API keys made with ${from} do not work with ${to}. Make new ones after the switch; the old ones work again after a switch back.`,
    )
  if (facts.sessions)
    add(
      'sessions',
      'info',
      'http.auth',
      `Everybody who is signed in with a browser has to sign in to ${to} again.`,
    )
  if (to === 'zot') {
    if (facts.apiKeys)
      add(
        'key-scopes',
        'warning',
        'http.auth.apikey',
        'zot stores the scopes of a key and does not enforce them, and Zotbar reaches only the keys of its own user there.',
      )
    if (facts.pullThrough)
      add(
        'pull-through',
        'info',
        'extensions.sync',
        'zot fetches a whole image, with all its platforms, before it answers a first pull, and asks the upstream at every pull by tag.',
      )
    add(
      'image-times',
      'info',
      'the engine',
      'Zotbar does not see when images were pushed and pulled, and pushes under way are waited for from outside.',
    )
  } else {
    if (facts.pullThrough)
      add(
        'pull-through',
        'warning',
        'extensions.sync',
        'zotbar-registry does not pull through: what only upstreams hold is not found any more.',
      )
    if (facts.search)
      add(
        'search',
        'warning',
        'extensions',
        "zotbar-registry has no search, no vulnerability scans and not zot's own pages.",
      )
  }
  return findings
}
