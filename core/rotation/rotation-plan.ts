import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Finding, RunbookPlan } from '../../contract/runbook.ts'
import { dryRun } from '../runbook/run.ts'
import type { Sink } from '../sinks/sink.ts'
import type { RotateMemory, RotationDeps } from './deps.ts'
import type { KeyOverview } from './key-overview.ts'
import type { KeyRecord } from './key-record.ts'
import { isLabel, overlapForms, type Policy, parseOverlap } from './policy.ts'
import { rotateName, rotateRunbook } from './rotate.ts'

export interface RotateRequest {
  user: string
  overlap?: string | undefined
  leaked: boolean
  yes: boolean
}

/** The memory that a rotation begins with. No key has `newLabel`, and no client `agent` yet. */
export function initialMemory(
  record: KeyRecord,
  { user, overlap, leaked, yes }: RotateRequest,
  { days, overlapMs }: Policy,
  { newLabel, agent }: { newLabel: string; agent: string },
): Result<RotateMemory> {
  const requestedMs = overlap === undefined ? overlapMs : parseOverlap(overlap.trim())
  if (requestedMs === undefined)
    return fail({ code: 'bad-input', field: 'overlap', wrong: overlap ?? '', allowed: overlapForms })
  // An earlier run that could not be rolled back is continued under its label.
  const label = record.pending ?? newLabel
  if (!isLabel(label)) return fail({ code: 'key-label-refused', label })
  const { registry, uuid, createdAt, expirationDate } = record
  return ok({
    registry,
    user,
    old: { uuid, label: record.label, createdAt, expirationDate, scopes: [] },
    label,
    days,
    overlapMs: leaked ? 0 : requestedMs,
    leaked,
    yes,
    agent,
  })
}

/** The steps of a rotation and the findings beforehand. Changes nothing. */
export async function planRotation(
  memory: RotateMemory,
  deps: RotationDeps,
  overview: Pick<KeyOverview, 'inspect'>,
  sinkOf: (spec: string) => Result<Sink>,
): Promise<RunbookPlan> {
  const findings: Finding[] = []
  const addFinding = (id: string, severity: Finding['severity'], evidence: string, advice: string): void =>
    void findings.push({ id, severity, evidence, advice })
  const record = deps.records.find(memory)
  for (const { spec } of record?.sinks ?? []) {
    const sink = sinkOf(spec)
    if (!sink.ok) addFinding('bad-sink', 'error', spec, failureMessage(sink.error).title)
    else if (!sink.value.describe().provable)
      addFinding('unprovable', 'info', spec, 'It takes the key and cannot show afterwards what it holds.')
  }
  if ((record?.sinks.length ?? 0) === 0)
    addFinding(
      'no-sink',
      'warning',
      memory.user,
      'The new key is delivered to no sink: give it to the programs that use it.',
    )
  const key = record && (await overview.inspect(record))
  for (const { id, words, repair } of key?.drift ?? []) addFinding(id, 'warning', words, repair)
  return { runbook: rotateName, steps: await dryRun(rotateRunbook(memory, deps)), findings }
}
