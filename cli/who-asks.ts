import { noticeMessage } from '../contract/messages/notice-message.ts'
import type { VerbContext } from './verb.ts'

/** An answer that takes longer than it takes the core to notice that somebody is asked. */
const firstLookMs = 3_500
const nextLookMs = 2_000

/**
 * Says once why a verb waits, where the keychain asks somebody, maybe on another screen than this one. Returns the end of
 * the watch. With --json nothing is said.
 */
export function sayWhoAsks({ client, out }: Pick<VerbContext, 'client' | 'out'>): () => void {
  if (out.json) return () => {}
  let timer: NodeJS.Timeout
  let isOver = false

  async function look(): Promise<void> {
    const snapshot = await client.zotbar.app.snapshot({})
    if (isOver || !snapshot.ok) return
    const asks = snapshot.value.notices.find(({ kind }) => kind === 'keychain-asks')
    if (asks === undefined) return watch(nextLookMs)
    const { title, detail } = noticeMessage(asks)
    out.note(`${title}. ${detail}`)
  }
  function watch(ms: number): void {
    timer = setTimeout(() => void look(), ms)
    timer.unref()
  }

  watch(firstLookMs)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
