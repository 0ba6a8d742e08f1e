import { useSyncExternalStore } from 'react'

let announced = ''
let announcements = 0
const listeners = new Set<() => void>()

/** Says a short word to screen readers, for a change that is otherwise only seen. */
export function announce(text: string): void {
  announcements += 1
  // The same word twice is a change only if the text differs.
  announced = announcements % 2 === 0 ? text : `${text}\u200b`
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The live region that speaks what `announce` is given; one per page. */
export function Announcer() {
  const text = useSyncExternalStore(subscribe, () => announced)
  return (
    <div className="vh" aria-live="polite">
      {text}
    </div>
  )
}
