import { leftRegistry } from '../client/left-registry.ts'
import type { Failure } from '../contract/failure.ts'

/** Says of a core that is not there which registry it left running. */
export async function withLeftRegistry(error: Failure, home: string): Promise<Failure> {
  const registry = error.code === 'app-not-running' ? await leftRegistry(home) : undefined
  return error.code === 'app-not-running' && registry ? { ...error, registry } : error
}
