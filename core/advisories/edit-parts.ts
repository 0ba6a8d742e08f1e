import type { Node } from 'jsonc-parser'
import { asList, type ConfigView, property, viewConfig } from './config-view.ts'
import { insertChild, removeChild, replaceNodes } from './json-edit.ts'

/** One part of an edit. A required one is always in it, another one only where the user agrees. */
export interface EditOffer {
  id: string
  why: string
  required: boolean
  /** As the file spells them. */
  keyPaths: string[]
}

export interface EditPart extends EditOffer {
  /** Text to text; gives the text as it is where there is nothing to change. */
  change(text: string): string
}

/** Changes one after the other, each looking at the text anew: the one before has moved what follows. */
export const inSequence =
  (...changes: ((view: ConfigView) => string | undefined)[]) =>
  (text: string): string =>
    changes.reduce((now, change) => {
      const view = viewConfig({ file: '', text: now })
      return 'reason' in view ? now : (change(view) ?? now)
    }, text)

/** The block at `path` and its property `name`. */
function memberOf(
  view: ConfigView,
  path: string,
  name: string,
): { block?: Node; member?: Node; value?: Node } {
  const block = view.find(path)[0]?.node
  if (block?.type !== 'object') return {}
  const member = property(block, name)
  const value = member?.children?.[1]
  return { block, ...(member ? { member } : {}), ...(value ? { value } : {}) }
}

/** Takes the first key that `path` names out of the text. */
export function withoutFirst(view: ConfigView, path: string): string | undefined {
  const member = view.find(path)[0]?.node.parent
  return member?.parent && removeChild(view.text, member.parent, member)
}

/** Sees to it that the list of texts at `path`.`name` has `word`. */
function withWord(view: ConfigView, path: string, name: string, word: string): string | undefined {
  const { block, value } = memberOf(view, path, name)
  const quotedWord = JSON.stringify(word)
  if (!block) return undefined
  if (value === undefined) return insertChild(view.text, block, `"${name}": [${quotedWord}]`)
  if (value.type !== 'array' || value.children?.some(element => element.value === word)) return undefined
  return insertChild(view.text, value, quotedWord)
}

const metrics = 'http.accessControl.metrics'

/** The key path beside it. */
const sibling = (keyPath: string, name: string): string => keyPath.replace(/[^.]+$/, name)

/** `users: [""]` becomes `anonymousPolicy: ["read"]`; other names in `users` stay. */
export function metricsForward(view: ConfigView): EditPart[] {
  const [users] = view.find(`${metrics}.users`)
  const names = asList(users?.value)
  if (!users || !names.includes('')) return []
  const empty = names.filter(name => name === '').length
  return [
    {
      id: 'anonymous-metrics',
      why: 'Scrapers without a credential are let in by "anonymousPolicy" from v2.1.18 on, and by the empty name in "users" before it.',
      required: true,
      keyPaths: [users.keyPath, sibling(users.keyPath, 'anonymousPolicy')],
      change: inSequence(
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
  const opens = asList(policy.value).includes('read')
  const lets = ', and lets scrapers without a credential in by an empty name in "users"'
  return [
    {
      id: 'anonymous-metrics-back',
      why: `${to} refuses the key "anonymousPolicy"${opens ? lets : ''}.`,
      required: true,
      keyPaths: [policy.keyPath, ...(opens ? [sibling(policy.keyPath, 'users')] : [])],
      change: opens
        ? inSequence(
            now => renamed(now, 'anonymousPolicy', 'users', ''),
            now => withWord(now, metrics, 'users', ''),
            now => withoutFirst(now, `${metrics}.anonymousPolicy`),
          )
        : inSequence(now => withoutFirst(now, `${metrics}.anonymousPolicy`)),
    },
  ]
}

/** A list of one word under one name becomes the other name's, where that is not there: no byte around it changes. */
function renamed(view: ConfigView, from: string, to: string, word: string): string | undefined {
  const { member, value } = memberOf(view, metrics, from)
  const [only, ...rest] = value?.children ?? []
  const key = member?.children?.[0]
  if (!key || !only || rest.length > 0 || memberOf(view, metrics, to).member) return undefined
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
