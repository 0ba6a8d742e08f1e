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
