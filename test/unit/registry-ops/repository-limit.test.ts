import { expect, it } from 'vitest'
import type { Handlers, RequestContext } from '../../../registry/http/request-context.ts'
import { success } from '../../../registry/oci/error-table.ts'
import { limitRepositories } from '../../../registry/routes/repository-limit.ts'

it('a repository that was begun and left counts for an hour', async () => {
  let now = 0
  const passed: string[] = []
  const note = (context: RequestContext): undefined => void passed.push(context.route.name)
  const handlers = { uploads: { POST: note }, manifest: { PUT: note } } as unknown as Handlers
  const storage = { repositories: async () => success(['kept']) }
  const { uploads } = limitRepositories(handlers, storage, 2, () => now)
  const begin = async (name: string): Promise<void> => {
    const res = { headersSent: true }
    await uploads['POST']?.({
      route: { kind: 'uploads', name, last: '' },
      req: {},
      res,
    } as unknown as RequestContext)
  }
  for (const name of ['left', 'refused', 'left', 'kept', 'No Name']) await begin(name)
  expect(passed).toEqual(['left', 'left', 'kept', 'No Name'])
  now = 2 * 60 * 60_000
  await begin('next')
  await begin('left')
  expect(passed.slice(4)).toEqual(['next'])
})
