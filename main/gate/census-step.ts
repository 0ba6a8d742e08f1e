import { rm } from 'node:fs/promises'
import { count, plain } from '../../preload/words/format.ts'
import { writeJsonFile } from '../platform/json-file.ts'
import type { Step, StepContext } from '../runbook/step.ts'
import { tagCount, takeCensus } from './census.ts'
import { done, failed } from './step-result.ts'

interface CensusMemory {
  /** Where the census is kept while the run lasts. */
  censusFile: string
  tags?: number
}

interface Options<Memory> {
  /** All data folders; undefined where config.json does not tell them. */
  roots(): Promise<string[] | undefined>
  /** Nothing is changed by the run, so nothing has to be compared. */
  needless(context: StepContext<Memory>): boolean
}

/** Writes down what is stored while nobody writes. */
export function censusStep<Memory extends CensusMemory>({ roots, needless }: Options<Memory>): Step<Memory> {
  return {
    id: 'census',
    title: 'Count what is stored',
    why: 'What is there now must be there afterwards.',
    check: async context => needless(context),
    async apply({ memory }) {
      const folders = await roots()
      if (folders === undefined) return failed('config-missing', 'The data folder is not known.')
      try {
        const census = await takeCensus(folders)
        await writeJsonFile(memory.censusFile, census)
        memory.tags = tagCount(census)
        const repositories = count(Object.keys(census.repositories).length, 'repository', 'repositories')
        return { ok: true, words: plain(`${repositories}, ${count(memory.tags, 'tag')}`) }
      } catch (error) {
        return failed('data-unreadable', 'The store cannot be read whole.', String(error))
      }
    },
    async undo({ memory }) {
      await rm(memory.censusFile, { force: true })
      return done
    },
  }
}
