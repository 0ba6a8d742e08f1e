import { expect } from 'vitest'
import { describeUsersOwn } from './acceptance.ts'

describeUsersOwn("people's own set-up, with zotbar-registry", {
  engine: 'zotbar-registry',
  async takeUp(rig) {
    const app = rig.start()
    const asking = await app.reach('undecided')
    // Until it pulls through, nobody loses their upstreams without having been asked.
    expect(asking.reason).toContain('zotbar-registry does not pull through')
    expect(await rig.use('zotbar-registry')).toMatchObject({ code: 0, last: { result: 'done' } })
    await app.reach('serving')
  },
})
