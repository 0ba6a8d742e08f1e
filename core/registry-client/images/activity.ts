import * as v from 'valibot'
import type { AdminClient } from '../../platform/admin-client.ts'

/** Times of pushes and pulls by repository, then by tag or digest. */
export type Activity = Map<string, Map<string, Times>>

const times = v.object({
  pulls: v.optional(v.number(), 0),
  lastPulled: v.exactOptional(v.number()),
  pushedAt: v.exactOptional(v.number()),
  pushedBy: v.exactOptional(v.string()),
})
export type Times = v.InferOutput<typeof times>

const answerShape = v.object({ activity: v.record(v.string(), v.record(v.string(), times)) })

/** Asks for so many repositories at once. */
const portion = 200

/** Undefined where the engine keeps no times that the app can read. */
export async function readActivity(
  admin: AdminClient,
  repositories: readonly string[],
): Promise<Activity | undefined> {
  const activity: Activity = new Map()
  for (let at = 0; at === 0 || at < repositories.length; at += portion) {
    const some = repositories.slice(at, at + portion)
    const answer = await admin.ask('POST', '/activity', { repositories: some })
    const read =
      answer.kind === 'answered' && answer.status === 200
        ? v.safeParse(answerShape, answer.body)
        : { success: false as const }
    if (!read.success) return undefined
    for (const [name, references] of Object.entries(read.output.activity))
      activity.set(name, new Map(Object.entries(references)))
  }
  return activity
}
