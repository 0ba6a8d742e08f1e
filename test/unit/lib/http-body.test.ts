import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { readBody } from '../../../lib/node-http.ts'

const request = (): IncomingMessage => new IncomingMessage(new Socket())

it('a body is read whole up to its limit', async () => {
  const [fits, large] = [request(), request()]
  for (const one of [fits, large]) for (const piece of ['abc', 'de', null]) one.push(piece)
  expect(await readBody(fits, 5)).toEqual({ kind: 'whole', bytes: Buffer.from('abcde') })
  expect(await readBody(large, 4)).toEqual({ kind: 'too-large' })
})

it('a body whose client went away is broken, also when that was before anybody read it', async () => {
  const [early, late] = [request(), request()]
  early.destroy()
  await new Promise(resolve => early.once('close', resolve))
  expect(await readBody(early, 5)).toEqual({ kind: 'broken' })
  late.push('a')
  const reading = readBody(late, 5)
  late.destroy()
  expect(await reading).toEqual({ kind: 'broken' })
})
