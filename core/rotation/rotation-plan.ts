import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Finding, RunbookPlan } from '../../contract/runbook.ts'
import { dryRun } from '../runbook/run.ts'
import type { Sink } from '../sinks/sink.ts'
import type { RotateMemory, RotationParts } from './deps.ts'
import type { Inventory } from './key-overview.ts'
import type { KeyRecord } from './key-record.ts'
import { isLabel, overlapForms, type Policy, readOverlap } from './policy.ts'
import { rotateName, rotateRunbook } from './rotate.ts'

export interface RotateWish {
  user: string
  overlap?: string | undefined
  leaked: boolean
  yes: boolean
}

/** What a rotation begins with. `freshLabel` is one that no key has. */
export function memoryOf(
  record: KeyRecord,
  { user, overlap, leaked, yes }: RotateWish,
  { days, overlapMs }: Policy,
  freshLabel: string,
): Result<RotateMemory> {
  const wanted = overlap === undefined ? overlapMs : readOverlap(overlap.trim())
  if (wanted === undefined)
    return fail({ code: 'bad-input', field: 'overlap', wrong: overlap ?? '', allowed: overlapForms })
  // What an earlier run could not take back is gone on with.
  const label = record.pending ?? freshLabel
  if (!isLabel(label)) return fail({ code: 'key-label-refused', label })
  const { registry, uuid, createdAt, expirationDate } = record
  return ok({
    registry,
    user,
    old: { uuid, label: record.label, createdAt, expirationDate, scopes: [] },
    label,
    days,
    overlapMs: leaked ? 0 : wanted,
    leaked,
    yes,
  })
}

/** What a rotation would do, and what is to be known before. Changes nothing. */
export async function planOf(
  memory: RotateMemory,
  parts: RotationParts,
  inventory: Pick<Inventory, 'look'>,
  sinkOf: (spec: string) => Result<Sink>,
): Promise<RunbookPlan> {
  const findings: Finding[] = []
  const find = (id: string, severity: Finding['severity'], evidence: string, advice: string): void =>
    void findings.push({ id, severity, evidence, advice })
  const record = parts.records.find(memory)
  for (const { spec } of record?.sinks ?? []) {
    const sink = sinkOf(spec)
    if (!sink.ok) find('bad-sink', 'error', spec, failureMessage(sink.error).title)
    else if (!sink.value.describe().provable)
      find('unprovable', 'info', spec, 'It takes the key and cannot show afterwards what it holds.')
  }
  if ((record?.sinks.length ?? 0) === 0)
    find(
      'no-sink',
      'warning',
      memory.user,
      'The new key is handed to no place: whoever uses it has to be told.',
    )
  const seen = record && (await inventory.look(record))
  for (const { id, words, repair } of seen?.drift ?? []) find(id, 'warning', words, repair)
  return { runbook: rotateName, steps: await dryRun(rotateRunbook(memory, parts)), findings }
}
