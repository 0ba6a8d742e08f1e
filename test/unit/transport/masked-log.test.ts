import { expect, it } from 'vitest'
import { anyone } from '../../../contract/caller.ts'
import { ok } from '../../../contract/result.ts'
import { createHandlers, type HandlerDeps } from '../../../core/app/handlers.ts'

it('hides secrets in the newest lines of the log from every session of the dashboard, and from nobody else', async () => {
  const line = (cookie: string) => `{"headers":{"Cookie":${cookie}}}`
  const written = line('["session=hush"]')
  const { logs } = createHandlers({
    tail: async () => [written],
    shells: {},
    rotation: {},
    notices: {},
  } as unknown as HandlerDeps)
  for (const caller of anyone) {
    const isSession = caller === 'full' || caller === 'looking'
    expect(await logs.tail({ lines: 1 }, caller)).toEqual(
      ok({ lines: [isSession ? line('"***"') : written] }),
    )
  }
})
