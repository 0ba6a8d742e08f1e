import type { Node } from 'jsonc-parser'
import { type ConfigView, property, viewConfig } from './config-view.ts'
import { insertChild, removeChild } from './json-edit.ts'

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
export const inTurn =
  (...changes: ((view: ConfigView) => string | undefined)[]) =>
  (text: string): string =>
    changes.reduce((now, change) => {
      const view = viewConfig({ file: '', text: now })
      return 'reason' in view ? now : (change(view) ?? now)
    }, text)

/** The block at `path` and its property `name`. */
export function memberOf(
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
export function withWord(view: ConfigView, path: string, name: string, word: string): string | undefined {
  const { block, value } = memberOf(view, path, name)
  const quotedWord = JSON.stringify(word)
  if (!block) return undefined
  if (value === undefined) return insertChild(view.text, block, `"${name}": [${quotedWord}]`)
  if (value.type !== 'array' || value.children?.some(each => each.value === word)) return undefined
  return insertChild(view.text, value, quotedWord)
}
