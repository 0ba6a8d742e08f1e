import type { UploadSession } from './upload-session.ts'

export interface TurnLimits {
  /** How long a request waits for another one on the same upload, ms. */
  readonly waitMs: number
  /** A client that has sent nothing for so long is taken for gone once somebody else wants to go on, ms. */
  readonly stillMs: number
}

export const turnLimits: TurnLimits = { waitMs: 2000, stillMs: 1000 }

/**
 * Waits until no other request is at work on an upload. Whoever begins a second one knows the upload's
 * identifier and has given up the first: so a connection on which nothing arrives is cut for it. False: the
 * other one is still busy at `deadline`, as performance.now() counts.
 */
export async function waitForTurn(
  session: UploadSession,
  deadline: number,
  { stillMs }: TurnLimits,
): Promise<boolean> {
  while (session.busy !== undefined) {
    const left = deadline - performance.now()
    if (left <= 0) return false
    const { reception } = session
    const still = reception?.stillForMs() ?? 0
    if (still >= stillMs) reception?.cut()
    // Where no body arrives yet, one may soon.
    const again = reception === undefined ? stillMs / 4 : still >= stillMs ? left : stillMs - still
    await endsWithin(session.busy, Math.min(left, again))
  }
  return true
}

async function endsWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, Math.ceil(ms))
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
