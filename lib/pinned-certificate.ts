import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

interface Pin {
  file: string
  /** Fingerprints that the file had, the newest last: a registry takes up a new certificate a moment later. */
  known: string[]
}

const pins = new Map<string, Pin>()

/** From now on whoever answers at `url` has to show the first certificate of this PEM file. */
export function pinCertificate(url: string, file: string): void {
  const { origin } = new URL(url)
  if (pins.get(origin)?.file !== file) pins.set(origin, { file, known: [] })
}

/**
 * Whether `shown` is the certificate of this address, as its file is now or was the time before. False while none is
 * known, and where the file never could be read.
 */
export function isPinned(url: string, shown: X509Certificate | undefined): boolean {
  const pin = pins.get(new URL(url).origin)
  if (!pin || !shown) return false
  const now = fingerprintOf(pin.file)
  if (now !== undefined && pin.known.at(-1) !== now) pin.known = [...pin.known.slice(-1), now]
  return pin.known.includes(shown.fingerprint256)
}

function fingerprintOf(file: string): string | undefined {
  try {
    return new X509Certificate(readFileSync(file)).fingerprint256
  } catch {
    // Half written, or gone for a moment.
    return undefined
  }
}
