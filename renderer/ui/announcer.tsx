import { useSyncExternalStore } from 'react'

let announced = ''
let announcements = 0
const listeners = new Set<() => void>()

/** Announces a change to screen readers that is otherwise only visible. */
export function announce(text: string): void {
  announcements += 1
  // Screen readers announce a repeated text only if it differs.
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
