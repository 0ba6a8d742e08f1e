import type { Position } from './problem.ts'

/** One value of a config file, and where it begins. Aliases of YAML are the very node that they name. */
export type ValueNode = { at: Position } & (ObjectNode | ListNode | ScalarNode)

interface ObjectNode {
  type: 'Object'
  members: Member[]
}

interface ListNode {
  type: 'Array'
  elements: ValueNode[]
}

export type ScalarNode =
  | { type: 'String'; value: string }
  /** `text`: as zot writes the number where it wants a string. */
  | { type: 'Number'; value: number; text: string }
  | { type: 'Boolean'; value: boolean }
  | { type: 'Null' }
  /** What YAML takes for a date where no quotes stand; zot finds no use for one. */
  | { type: 'Date' }

export interface Member {
  key: string
  /** Of the key. */
  at: Position
  value: ValueNode
}
