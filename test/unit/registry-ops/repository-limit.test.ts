import { expect, it } from 'vitest'
import type { Handlers, RequestContext } from '../../../registry/http/request-context.ts'
import { success } from '../../../registry/oci/error-table.ts'
import { limitRepositories } from '../../../registry/routes/repository-limit.ts'

it('a repository that was begun and left counts for an hour', async () => {
  let now = 0
  const passed: string[] = []
  const note = (context: RequestContext): undefined => void passed.push(context.route.name)
  const handlers = { uploads: { POST: note }, manifest: { PUT: note } } as unknown as Handlers
  const list = async () => success(['kept'])
  const storage = { repositories: list, holding: list }
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

it('a repository whose last manifest is gone frees its place, and needs one when it is pushed to again', async () => {
  const passed: string[] = []
  const answer = (context: RequestContext): undefined => void passed.push(context.route.name)
  const handlers = { uploads: { POST: answer }, manifest: { PUT: answer } } as unknown as Handlers
  let holding: string[] = []
  const storage = {
    // Without collection they all stay in the catalog.
    repositories: async () => success(['a', 'b']),
    holding: async () => success(holding),
  }
  const { uploads, manifest } = limitRepositories(handlers, storage, 2)
  const ask = async (name: string, status: number): Promise<void> => {
    const context = (kind: string) =>
      ({
        route: { kind, name, last: '' },
        req: {},
        res: { headersSent: true },
        status,
      }) as unknown as RequestContext
    await uploads['POST']?.(context('uploads'))
    await manifest['PUT']?.(context('manifest'))
  }
  for (const name of ['a', 'b']) await ask(name, 201)
  holding = ['a', 'b']
  await ask('c', 201)
  expect(passed).not.toContain('c')
  holding = []
  for (const name of ['c', 'd']) await ask(name, 201)
  holding = ['c', 'd']
  await ask('a', 201)
  expect(passed).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd'])
})
