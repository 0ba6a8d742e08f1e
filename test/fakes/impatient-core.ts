import { runProcess } from '../../core/app/run-process.ts'
import { parseStart } from '../../core/program/arguments.ts'

// The core from the sources, which waits for a successor no longer than the first argument says, in ms.
const [limitMs, ...args] = process.argv.slice(2)
const read = parseStart(args)
if (!read.ok) throw new Error(read.error.message)
process.exit(await runProcess(read.value, { npmCommand: undefined, dropped: [] }, Number(limitMs)))
