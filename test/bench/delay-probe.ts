// Loaded with --import into the process to be measured. SIGUSR2 begins a measurement, the next one ends it and
// writes its samples to the file that BENCH_DELAY_FILE names.
import { writeFileSync } from 'node:fs'
import { watchDelay } from './delay.ts'

const file = process.env['BENCH_DELAY_FILE']
let finish: ReturnType<typeof watchDelay> | undefined
process.on('SIGUSR2', () => {
  if (finish === undefined) {
    finish = watchDelay()
    return
  }
  if (file !== undefined) writeFileSync(file, JSON.stringify(finish().samples))
  finish = undefined
})
