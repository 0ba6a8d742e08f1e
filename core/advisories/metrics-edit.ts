import type { ConfigView } from './config-view.ts'
import { type EditPart, inTurn, memberOf, withoutFirst, withWord } from './edit-part.ts'
import { removeChild, replaceNodes } from './json-edit.ts'

const metrics = 'http.accessControl.metrics'

/** The key path beside it. */
const sibling = (keyPath: string, name: string): string => keyPath.replace(/[^.]+$/, name)

/** `users: [""]` becomes `anonymousPolicy: ["read"]`; other names in `users` stay. */
export function metricsForward(view: ConfigView): EditPart[] {
  const [users] = view.find(`${metrics}.users`)
  if (!Array.isArray(users?.value) || !users.value.includes('')) return []
  const empty = users.value.filter(name => name === '').length
  return [
    {
      id: 'anonymous-metrics',
      why: 'Scrapers without a credential are let in by "anonymousPolicy" from v2.1.18 on, and by the empty name in "users" before it.',
      required: true,
      keyPaths: [users.keyPath, sibling(users.keyPath, 'anonymousPolicy')],
      change: inTurn(
        now => renamed(now, 'users', 'anonymousPolicy', 'read'),
        ...Array.from({ length: empty }, () => withoutEmptyName),
        now => withWord(now, metrics, 'anonymousPolicy', 'read'),
        now =>
          memberOf(now, metrics, 'users').value?.children?.length === 0
            ? withoutFirst(now, `${metrics}.users`)
            : undefined,
      ),
    },
  ]
}

/** The way back, for a version that refuses `anonymousPolicy`. */
export function metricsBack(view: ConfigView, to: string): EditPart[] {
  const [policy] = view.find(`${metrics}.anonymousPolicy`)
  if (!policy) return []
  const opens = Array.isArray(policy.value) && policy.value.includes('read')
  const lets = ', and lets scrapers without a credential in by an empty name in "users"'
  return [
    {
      id: 'anonymous-metrics-back',
      why: `${to} refuses the key "anonymousPolicy"${opens ? lets : ''}.`,
      required: true,
      keyPaths: [policy.keyPath, ...(opens ? [sibling(policy.keyPath, 'users')] : [])],
      change: opens
        ? inTurn(
            now => renamed(now, 'anonymousPolicy', 'users', ''),
            now => withWord(now, metrics, 'users', ''),
            now => withoutFirst(now, `${metrics}.anonymousPolicy`),
          )
        : inTurn(now => withoutFirst(now, `${metrics}.anonymousPolicy`)),
    },
  ]
}

/** A list of one word under one name becomes the other name's, where that is not there: no byte around it changes. */
function renamed(view: ConfigView, from: string, to: string, word: string): string | undefined {
  const { member, value } = memberOf(view, metrics, from)
  const [only, ...others] = value?.children ?? []
  const key = member?.children?.[0]
  if (!key || !only || others.length > 0 || memberOf(view, metrics, to).member) return undefined
  return replaceNodes(view.text, [
    [key, JSON.stringify(to)],
    [only, JSON.stringify(word)],
  ])
}

function withoutEmptyName(view: ConfigView): string | undefined {
  const { value } = memberOf(view, metrics, 'users')
  const empty = value?.children?.find(name => name.value === '')
  return value && empty && removeChild(view.text, value, empty)
}
