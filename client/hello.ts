import { type ClientHello, contractNumber } from '../contract/hello.ts'
import { thisBuild } from '../lib/build.ts'
import { homeFormat } from '../lib/home-format.ts'

/** What this process says of itself to the core. */
export function clientHello(as: ClientHello['as']): ClientHello {
  return { contract: contractNumber, ...thisBuild(), home: homeFormat, as, pid: process.pid }
}
