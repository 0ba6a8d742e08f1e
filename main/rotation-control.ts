import type { ZotbarHandlers } from '../preload/contract/contract.ts'
import type { ApiKey } from '../preload/contract/key.ts'
import { fail } from '../preload/contract/result.ts'

/** What the contract says about keys under care. */
export interface RotationHandlers {
  keys: Pick<
    ZotbarHandlers['keys'],
    'managed' | 'manage' | 'unmanage' | 'rotate' | 'prove' | 'endOverlap' | 'offerKey'
  >
  /** The same keys, with those under care marked. */
  marked(keys: ApiKey[]): ApiKey[]
}

const notYet = async () => fail({ code: 'unexpected', where: 'rotation' })

export function createRotationControl(): { handlers: RotationHandlers } {
  return {
    handlers: {
      keys: {
        managed: notYet,
        manage: notYet,
        unmanage: notYet,
        rotate: notYet,
        prove: notYet,
        endOverlap: notYet,
        offerKey: notYet,
      },
      marked: keys => keys,
    },
  }
}
