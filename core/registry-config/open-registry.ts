import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { OpenToAll } from '../../contract/undecided.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { type AnonymousRights, isWider, mostOf, rightsText } from '../../registry/config/anonymous-rights.ts'
import { openVariable } from '../../registry/config/open-consent.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import type { Target } from './preflight.ts'

const right = v.picklist(['read', 'create', 'update', 'delete'])
const schema = v.object({
  address: v.string(),
  rights: v.union([v.literal('everything'), v.array(v.tuple([v.string(), v.array(right)]))]),
  /** ms since the epoch. */
  at: v.number(),
  by: v.string(),
})
type Agreed = v.InferOutput<typeof schema>

interface Options {
  home: string
  /** The setting `registry.open`: the record counts for this address alone. */
  setting(): string
  now(): number
  report(setAside: SetAside): void
}

/** What somebody agreed to for a registry that asks nobody who they are. */
export interface OpenRegistry {
  /** What has to be agreed to before `target` is served; undefined where nothing has. */
  needed(target: Pick<Target, 'openAt' | 'rights'>): OpenToAll | undefined
  /** Whether the process that was given the newest `environment` takes this config.json over while it serves. */
  isTaken(target: Pick<Target, 'openAt' | 'rights'>): boolean
  /** Records what `target` grants now, durably. Errors: home-unusable. */
  agree(target: { openAt: string; rights: AnonymousRights }, by: string): Promise<Result<null>>
  /** Tells zotbar-registry what was agreed to. */
  environment(): Record<string, string>
}

/** `open-registry.json` of a home. */
export async function openOpenRegistry({ home, setting, now, report }: Options): Promise<OpenRegistry> {
  const file = join(home, 'open-registry.json')
  let recorded = await readJsonFile(file, schema, { now, report })
  /** What the newest process was told. */
  let given: Agreed | undefined
  const agreed = (): Agreed | undefined => (recorded?.address === setting() ? recorded : undefined)

  return {
    needed({ openAt, rights }) {
      if (openAt === undefined) return undefined
      const known = agreed()
      const before = known?.address === openAt ? known.rights : undefined
      if (before !== undefined && !isWider(before, rights)) return undefined
      const most = mostOf(rights)
      return {
        address: openAt,
        rights: rightsText(rights),
        ...(most === undefined ? {} : { most }),
        ...(before === undefined ? {} : { agreed: rightsText(before) }),
      }
    },
    isTaken({ openAt, rights }) {
      const known = given ?? agreed()
      return openAt === undefined || (known?.address === openAt && !isWider(known.rights, rights))
    },
    async agree({ openAt, rights }, by) {
      const next: Agreed = {
        address: openAt,
        rights: rights === 'everything' ? rights : rights.map(([pattern, some]) => [pattern, [...some]]),
        at: now(),
        by,
      }
      try {
        await writeJsonFile(file, next)
      } catch (error) {
        return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
      }
      recorded = next
      return ok(null)
    },
    environment() {
      given = agreed()
      const known = given
      return known === undefined
        ? {}
        : { [openVariable]: JSON.stringify({ address: known.address, rights: known.rights }) }
    },
  }
}
