import type { IncomingMessage } from 'node:http'
import type { Caller } from '../../contract/caller.ts'
import type { Failure } from '../../contract/failure.ts'
import {
  type ClientHello,
  callerHeader,
  connectionHeader,
  type Hello,
  helloHeader,
  openToAll,
  readClientHello,
} from '../../contract/hello.ts'
import type { Peer } from './http-api.ts'

type Admission =
  | { kind: 'call'; caller: Caller; peer: Peer }
  /** It asks only who answers here; whatever contract it is of. */
  | { kind: 'hello' }
  | { kind: 'refused'; error: Failure }

/**
 * Who calls at the control socket, as its headers say: the socket's mode lets in no other user. A client without a
 * hello, or of another contract, gets the snapshot, the logs and the events alone, whoever it says that it is.
 */
export function admit({ url = '', headers }: IncomingMessage, own: Hello): Admission {
  const path = url.split('?', 1)[0] ?? ''
  const name = path.startsWith('/api/') ? path.slice('/api/'.length) : ''
  if (name === 'hello') return { kind: 'hello' }
  const hello = readClientHello(headers[helloHeader])
  if (hello?.contract !== own.contract) {
    // What is no command at all is answered as such.
    if (name === '' || openToAll.has(name))
      return { kind: 'call', caller: 'looking', peer: { pid: hello?.pid ?? 0 } }
    return { kind: 'refused', error: hello === undefined ? toOlder(own) : toOther(hello, own) }
  }
  const connection = headers[connectionHeader]
  const peer: Peer = { pid: hello.pid, ...(typeof connection === 'string' ? { connection } : {}) }
  const from = headers[callerHeader]
  if (hello.as === 'cli') return { kind: 'call', caller: 'cli', peer }
  return { kind: 'call', caller: from === 'page' || from === 'agreed' ? from : 'app', peer }
}

const toOther = ({ contract: theirs }: ClientHello, { contract: ours, version }: Hello): Failure => ({
  code: 'other-contract',
  ours,
  theirs,
  version,
  pid: process.pid,
})

/** A command line from before there were hellos ends with a stack trace at a failure that it has no words for. */
const toOlder = ({ version }: Hello): Failure => ({
  code: 'file-unusable',
  path: 'This zotbar',
  reason: `a newer Zotbar (${version}, process ${process.pid}) runs: use the command that came with it`,
})
