import type { Notice } from '../snapshot.ts'
import { count } from './format.ts'
import type { NoticeMessage } from './message.ts'

/** More are counted only. */
const maxNamed = 5

/** Keys of config.json that only zot can judge. */
export function unknownKeysMessage({
  file,
  keys,
}: Extract<Notice, { kind: 'config-keys-unknown' }>): NoticeMessage {
  const named = keys
    .slice(0, maxNamed)
    .map(({ keyPath = '', line }) => (line === undefined ? keyPath : `${keyPath} (line ${line})`))
  const more = keys.length > maxNamed ? [`${keys.length - maxNamed} more`] : []
  return {
    title: `The config has ${count(keys.length, 'key')} that Zotbar does not know`,
    detail: `zot decides what ${keys.length === 1 ? 'it means' : 'they mean'}: ${[...named, ...more].join(', ')} in ${file}.`,
    needsAttention: false,
  }
}
