import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { isOpVariable, parseAndCreateSink, type SinkDeps } from '../../../core/sinks/create-sink.ts'
import type { Sink, SinkSecret } from '../../../core/sinks/sink.ts'
import { localHost } from '../../../ssh/local-host.ts'

/** A key that could not occur by chance, so that every text can be searched for it. */
export const secret: SinkSecret = {
  user: 'zot-ci',
  key: 'zak_0123456789abcdef"%0123456789abcd',
  registryHost: '127.0.0.1:5050',
}
export const another: SinkSecret = { ...secret, key: 'zak_another' }

export const never = new AbortController().signal

export function temporaryFolder() {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'zotbar-sinks-')))
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) }
}

/** Real dependencies on this computer; `environment` and `bin` as the app would have them. */
export function sinkDepsOf(
  home: string,
  more: Partial<SinkDeps> & { bin?: string; environment?: object } = {},
): SinkDeps {
  const { bin, environment = {}, ...rest } = more
  const path = [bin, process.env['PATH']].filter(Boolean).join(delimiter)
  const options = { home, environment: { ...process.env, ...environment, PATH: path } }
  return {
    localHost: localHost(options),
    opHost: localHost({ ...options, allowsVariable: isOpVariable }),
    remoteHost: () => {
      throw new Error('no other host in this test')
    },
    forgejo: { url: () => '', token: async () => ({ ok: true, value: undefined }) },
    ...rest,
  }
}

export function made(spec: string, deps: SinkDeps): Sink {
  const sink = parseAndCreateSink(spec, deps)
  if (!sink.ok) throw new Error(JSON.stringify(sink.error))
  return sink.value
}
