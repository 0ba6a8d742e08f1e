import { rm } from 'node:fs/promises'
import { count, plainText } from '../../contract/messages/format.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { done, failed, type Step, type StepContext } from '../runbook/step.ts'
import { type StoreDeps, tagCount, takeInventory } from './inventory.ts'
import { writeInventory } from './inventory-file.ts'
import type { Unreadable } from './read-store.ts'

interface InventoryMemory {
  /** The inventory's file while the run lasts. */
  censusFile: string
  tags?: number
}

interface Options<Memory> extends StoreDeps {
  now(): number
  /** Nothing is changed by the run, so nothing has to be compared. */
  needless(context: StepContext<Memory>): boolean
}

/** Writes down what is stored while nobody writes. */
export function inventoryStep<Memory extends InventoryMemory>({
  now,
  roots,
  layout,
  known,
  needless,
}: Options<Memory>): Step<Memory> {
  return {
    // The name that journals have for it.
    id: 'census',
    title: 'Count what is stored',
    why: 'What is there now must be there afterwards.',
    check: async context => needless(context),
    async apply({ memory, progress }) {
      const folders = await roots()
      if (folders === undefined) return failed('config-missing', 'The data folder is not known.')
      try {
        const inventory = await takeInventory(folders, { now, known, ...(await layout()) })
        await writeInventory(memory.censusFile, inventory)
        memory.tags = tagCount(inventory)
        const unreadable = inventory.repositories.filter(repository => repository.kind === 'unreadable')
        for (const repository of unreadable) progress({ label: unreadableMessage(repository) })
        const readable = inventory.repositories.length - unreadable.length
        const counted = `${count(readable, 'repository', 'repositories')}, ${count(memory.tags, 'tag')}`
        const not = unreadable.length === 0 ? '' : `; not readable: ${namesOf(unreadable)}`
        return { ok: true, words: plainText(`${counted}${not}`) }
      } catch (error) {
        return failed(
          'data-unreadable',
          'The store cannot be read whole.',
          `${String(error)} (${reasonOf(error)})`,
        )
      }
    },
    async undo({ memory }) {
      known.clear()
      await rm(memory.censusFile, { force: true })
      return done
    },
  }
}

const unreadableMessage = ({ name, reason }: Unreadable): string => `${name} cannot be read (${reason})`

const namesOf = (all: readonly Unreadable[]): string =>
  `${all
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ')}${all.length > 5 ? ` and ${all.length - 5} more` : ''}`
