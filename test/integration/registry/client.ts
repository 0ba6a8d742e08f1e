import type { Socket } from 'node:net'
import { eventually } from '../../fakes/eventually.ts'
import { config, digestText, imageOf, type Made } from '../../suites/image.ts'
import type { Answer, AskOptions } from './registry-process.ts'

export interface Target {
  ask: (path: string, options?: AskOptions) => Promise<Answer>
}

/** Pushes a blob as most clients do: POST, PATCH, PUT. Answers the last status that was not expected, or 201. */
export async function pushBlob(to: Target, name: string, bytes: Buffer | string): Promise<number> {
  const begun = await to.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
  if (begun.status !== 202) return begun.status
  const sent = await to.ask(begun.headers.location ?? '', { method: 'PATCH', body: bytes })
  if (sent.status !== 202) return sent.status
  const location = `${sent.headers.location}?digest=${digestText(bytes)}`
  return (await to.ask(location, { method: 'PUT' })).status
}

/** A PUT whose body is sent in two halves, the second one when asked; answers its status. */
export async function halfUpload(
  to: Target & { connect: () => Promise<Socket> },
  name: string,
): Promise<{ finish: () => Promise<number> }> {
  const begun = await to.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
  const socket = await to.connect()
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  const path = `${begun.headers.location}?digest=${digestText('first second')}`
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nfirst `)
  await eventually(async () => (await to.ask(begun.headers.location ?? '')).status === 204)
  return {
    finish: async () => {
      socket.write('second')
      await eventually(() => answer.includes('\r\n\r\n'))
      socket.destroy()
      return Number(answer.slice(9, 12))
    },
  }
}

export const putManifest = (
  to: Target,
  name: string,
  reference: string,
  { mediaType, bytes }: Made,
): Promise<Answer> =>
  to.ask(`/v2/${name}/manifests/${reference}`, {
    method: 'PUT',
    body: bytes,
    headers: { 'Content-Type': mediaType },
  })

/** An image of one layer, config and all. */
export async function pushImage(
  to: Target,
  name: string,
  tag: string,
  layer: Buffer | string,
): Promise<Made> {
  for (const bytes of [config, layer]) {
    const status = await pushBlob(to, name, bytes)
    if (status !== 201) throw new Error(`blob of ${name}: ${status}`)
  }
  const image = imageOf([layer])
  const { status } = await putManifest(to, name, tag, image)
  if (status !== 201) throw new Error(`manifest of ${name}: ${status}`)
  return image
}
