import type { Emitter } from '../../lib/emitter.ts'
import { createGround } from './create-ground.ts'
import { createRegistryFeatures } from './create-registry.ts'
import { createRunbookFeatures } from './create-runbooks.ts'
import type { AppEvents, AppOptions } from './wiring.ts'

export type Features = Awaited<ReturnType<typeof createFeatures>>

/**
 * Everything that the app is made of, in an order in which nothing is used before it is there: each is given only what
 * was created before it. What it has to say to those after it, it emits; see `connect`.
 */
export async function createFeatures(options: AppOptions, events: Emitter<AppEvents>) {
  const ground = await createGround(options, events)
  const registry = createRegistryFeatures(options, events, ground)
  const runbooks = await createRunbookFeatures(options, events, { ...ground, ...registry })
  return { ...ground, ...registry, ...runbooks }
}
