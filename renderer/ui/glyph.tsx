import type { ReactNode } from 'react'

export type StatusGlyph =
  | 'fine'
  | 'attention'
  | 'working'
  | 'down'
  | 'off'
  | 'asks'
  // Of steps and their parts: to come, taken back, waits for you, taken by who cannot show it, not proven.
  | 'pending'
  | 'undone'
  | 'waits'
  | 'accepted'
  | 'unproven'
export type IconName =
  | 'overview'
  | 'storage'
  | 'clock'
  | 'copy'
  | 'done'
  | 'more'
  | 'engine'
  | 'push'
  | 'logs'
  | 'pulse'
  | 'note'
  | 'images'
  | 'key'
  | 'upgrade'
  | 'lock'

const markStyle = { stroke: 'var(--on-status)', strokeWidth: 1.7, strokeLinecap: 'round' as const }

/** A disc with a pause: it waits for somebody. */
const pause = (
  <>
    <circle cx="8" cy="8" r="7" fill="currentColor" />
    <path d="M6.3 5.4v5.2M9.7 5.4v5.2" {...markStyle} />
  </>
)

const statusIcons: Record<StatusGlyph, ReactNode> = {
  fine: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="m4.9 8.3 2.1 2.1 4.1-4.6" fill="none" {...markStyle} strokeLinejoin="round" />
    </>
  ),
  attention: (
    <>
      <path
        d="M6.7 1.9a1.5 1.5 0 0 1 2.6 0l5.9 10.4a1.5 1.5 0 0 1-1.3 2.2H2.1a1.5 1.5 0 0 1-1.3-2.2Z"
        fill="currentColor"
      />
      <path d="M8 5.6v4" {...markStyle} />
      <circle cx="8" cy="12" r="1" fill="var(--on-status)" />
    </>
  ),
  working: (
    <>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeOpacity=".25" strokeWidth="2" />
      <path d="M8 2a6 6 0 0 1 6 6" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
    </>
  ),
  down: (
    <>
      <path
        d="M5.3 1.2h5.4l4.1 4.1v5.4l-4.1 4.1H5.3l-4.1-4.1V5.3Z"
        fill="currentColor"
        stroke="currentColor"
        strokeWidth=".8"
        strokeLinejoin="round"
      />
      <path d="m5.5 5.5 5 5m0-5-5 5" {...markStyle} />
    </>
  ),
  off: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M5.2 8h5.6" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" />
    </>
  ),
  pending: <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  undone: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path
        d="M5.2 6.6h4a2.3 2.3 0 0 1 0 4.6H7M7 4.6l-2 2 2 2"
        fill="none"
        {...markStyle}
        strokeLinejoin="round"
      />
    </>
  ),
  waits: pause,
  asks: pause,
  unproven: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path
        d="M6.1 6.3a1.95 1.95 0 1 1 2.9 1.7c-.6.35-1 .7-1 1.4"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
      />
      <circle cx="8" cy="11.3" r=".9" fill="currentColor" />
    </>
  ),
  accepted: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path
        d="m5.2 8.3 1.9 1.9 3.7-4.2"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </>
  ),
}

const icons: Record<IconName, ReactNode> = {
  overview: (
    <>
      <path d="M2.2 12.4a6.6 6.6 0 1 1 11.6 0M8 9.6l2.6-3.4" />
      <circle cx="8" cy="9.8" r=".9" />
    </>
  ),
  storage: (
    <>
      <rect x="1.8" y="3" width="12.4" height="10" rx="2" />
      <path d="M1.8 9.2h12.4M11.4 11.2h.6" />
    </>
  ),
  clock: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 4.6V8l2.3 1.5" />
    </>
  ),
  copy: (
    <>
      <rect x="5.4" y="5.4" width="8" height="8.4" rx="1.6" />
      <path d="M10.6 5.2V3.6A1.5 1.5 0 0 0 9.1 2.1H4.1a1.5 1.5 0 0 0-1.5 1.5v5.3a1.5 1.5 0 0 0 1.5 1.5h1.1" />
    </>
  ),
  done: <path d="m3.4 8.6 3 3 6.2-7" />,
  more: <path d="M3.4 8h.01M8 8h.01M12.6 8h.01" strokeWidth="2" />,
  engine: (
    <>
      <rect x="2" y="2.4" width="12" height="4.8" rx="1.4" />
      <rect x="2" y="8.8" width="12" height="4.8" rx="1.4" />
      <path d="M4.6 4.8h.01M4.6 11.2h.01" strokeWidth="1.8" />
    </>
  ),
  push: <path d="M3 2.4h10M8 14V5.4M4.8 8.4 8 5.2l3.2 3.2" />,
  logs: <path d="M2 3.5h12M2 6.5h8M2 9.5h10.5M2 12.5h6" />,
  pulse: <path d="M1.6 8.6h3l1.7-4.8 3 8.6 1.8-5.4.7 1.6h2.6" />,
  images: <path d="M8 2 14.4 5.3 8 8.6 1.6 5.3ZM1.6 8.2 8 11.5l6.4-3.3M1.6 11 8 14.3 14.4 11" />,
  upgrade: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 11V5.4M5.6 7.6 8 5.2l2.4 2.4" />
    </>
  ),
  key: (
    <>
      <circle cx="5.2" cy="10.6" r="3.2" />
      <path d="m7.6 8.3 6-6M11.2 4.6l2 2" />
    </>
  ),
  lock: (
    <>
      <rect x="3.2" y="7.2" width="9.6" height="6.6" rx="1.4" />
      <path d="M5.4 7.2V5a2.6 2.6 0 0 1 5.2 0v2.2" />
    </>
  ),
  note: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 7.4v3.8M8 4.9h.01" strokeWidth="1.6" />
    </>
  ),
}

/** A status: its shape carries the meaning, its colour repeats it, and the word stands beside it. */
export function Glyph({ name, size = 'm' }: { name: StatusGlyph; size?: 's' | 'm' | 'l' | 'xl' }) {
  return (
    <svg className={`g ${size} ${name}`} viewBox="0 0 16 16" aria-hidden="true">
      {statusIcons[name]}
    </svg>
  )
}

/** A line icon that names a row or an action. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="g icon" viewBox="0 0 16 16" aria-hidden="true">
      {icons[name]}
    </svg>
  )
}
