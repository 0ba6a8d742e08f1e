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
 * A secret that is loaded when this is mounted and removed with it. It is only ever in one element of the page, never in
 * a state or a property.
 */
export function Secret({
  name,
  load,
  onRefused,
}: {
  /** "key of zot-ci". */
  name: string
  load: () => Promise<Result<{ apiKey: string }>>
  /** It was not shown; a question that was declined has no failure. */
  onRefused?: () => void
}) {
  const store = useStore()
  const target = useRef<HTMLElement>(null)
  const [shown, setShown] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for once, when it is to be shown
  useEffect(() => {
    const element = target.current
    let unmounted = false
    void load().then(answer => {
      if (unmounted || !element) return
      if (answer.ok) {
        element.textContent = answer.value.apiKey
        setShown(true)
      } else if (answer.error.code === 'cancelled') onRefused?.()
      else setFailure(answer.error)
    })
    return () => {
      unmounted = true
      if (element) element.textContent = ''
    }
  }, [])
  const copy = (): void => void copySecret(store, target.current?.textContent ?? '')
  return (
    <>
      {failure && <Refused failure={failure} />}
      <div className="cmd" hidden={!shown}>
        <code ref={target} />
        <Button small onPress={copy} label={`Copy ${name}`}>
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
