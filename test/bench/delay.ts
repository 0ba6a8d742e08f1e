import { performance } from 'node:perf_hooks'
import { type Summary, summary } from './stats.ts'

const pauseMs = 5

/** Measures how late timers of this process fire, in ms, until the returned function is called. */
export function watchDelay(): () => Summary {
  const late: number[] = []
  let timer: NodeJS.Timeout
  const next = (): void => {
    const set = performance.now()
    timer = setTimeout(() => {
      late.push(Math.max(0, performance.now() - set - pauseMs))
      next()
    }, pauseMs)
    timer.unref()
  }
  next()
  return () => {
    clearTimeout(timer)
    return summary(late.length > 0 ? late : [0])
  }
}
