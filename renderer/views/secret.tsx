import { useEffect, useRef, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import { clipboardMs } from '../../contract/messages/key-message.ts'
import type { Result } from '../../contract/result.ts'
import type { Store } from '../bridge/store.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { copyText } from '../ui/copy.tsx'
import { Refused } from './headline.tsx'
import { useStore } from './view-model.tsx'

/**
 * A secret that is loaded when this is mounted. It is only ever in one element of the page, never in a state or a
 * property, and goes with it; unless somebody holds that element for as long as another view is shown.
 */
export function Secret({
  name,
  load,
  onRefused,
  held,
  onShown,
}: {
  /** "key of zot-ci". */
  name: string
  load: () => Promise<Result<{ apiKey: string }>>
  /** It was not shown; a question that was declined has no failure. */
  onRefused?: () => void
  /** The element of a secret that was shown before: nothing is loaded. */
  held?: HTMLElement
  /** Takes the element, which then outlives this. */
  onShown?: (element: HTMLElement) => void
}) {
  const store = useStore()
  const slot = useRef<HTMLSpanElement>(null)
  const copyButton = useRef<HTMLButtonElement>(null)
  const wasHeld = useRef(held !== undefined)
  const [shown, setShown] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for once, when it is to be shown
  useEffect(() => {
    const element = held ?? document.createElement('code')
    let unmounted = false
    function show(): void {
      slot.current?.append(element)
      setShown(true)
    }
    if (held) show()
    else
      void load().then(answer => {
        if (answer.ok) {
          // It may be the only time that it is told, so it is held even if the view has gone meanwhile.
          if (!unmounted || onShown) element.textContent = answer.value.apiKey
          onShown?.(element)
          if (!unmounted) show()
        } else if (unmounted) return
        else if (answer.error.code === 'cancelled') onRefused?.()
        else setFailure(answer.error)
      })
    return () => {
      unmounted = true
      element.remove()
      if (!held && !onShown) element.textContent = ''
    }
  }, [])
  // The button that asked for it is gone, and with it the place of the keyboard.
  useEffect(() => {
    if (shown && !wasHeld.current) copyButton.current?.focus()
  }, [shown])
  const copy = (): void => void copySecret(store, slot.current?.textContent ?? '')
  return (
    <>
      {failure && <Refused failure={failure} />}
      <div className="cmd" hidden={!shown}>
        <span ref={slot} />
        <Button small ref={copyButton} onPress={copy} label={`Copy ${name}`}>
          Copy
        </Button>
      </div>
      {shown && (
        <p className="small two">
          A copy leaves the clipboard after {clipboardMs / 1000} s
          {store.shell === 'electron' ? '.' : ', as long as this page is open.'}
        </p>
      )}
    </>
  )
}

/** In a browser a page may not read the clipboard: what lies there after 45 s goes, once the page is looked at. */
async function copySecret({ shell, keys }: Store, secret: string): Promise<void> {
  if (shell === 'electron') {
    const copied = await keys.copySecret({ secret })
    announce(copied.ok ? 'Copied' : 'The clipboard cannot be reached; select the text instead')
    return
  }
  if (await copyText(secret)) setTimeout(() => void clearClipboard(), clipboardMs)
}

async function clearClipboard(): Promise<void> {
  try {
    await navigator.clipboard.writeText('')
  } catch {
    if (document.hasFocus()) return
    window.addEventListener('focus', () => void clearClipboard(), { once: true })
  }
}
