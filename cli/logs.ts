import { exitCode, type Output, visible } from './output.ts'
import type { Verb } from './verb.ts'

/**
 * Prints the newest lines of the registry's output, as it wrote them; with `follow` also what comes, across restarts
 * of the registry, until the core goes (exit 3). With --json one object a line: {line}; {dropped} where lines are missing.
 */
export const logs: Verb<{ follow: boolean; lines: number }> = async ({ out, client }, options) => {
  if (!options.follow) {
    const tail = await client.zotbar.logs.tail({ lines: options.lines })
    if (!tail.ok) return out.failure(tail.error)
    print(out, tail.value.lines)
    return exitCode.done
  }
  // Listening starts before the tail is read, so that nothing falls between the two.
  let early: string[] | undefined = []
  const events = await client.events({
    log: lines => (early ? early.push(...lines) : print(out, lines)),
    dropped(lines) {
      out.object({ dropped: lines })
      out.note(`(${lines} lines are missing here: they came faster than they could be shown)`)
    },
  })
  if (!events.ok) return out.failure(events.error)
  const tail = await client.zotbar.logs.tail({ lines: options.lines })
  if (!tail.ok) return out.failure(tail.error)
  print(out, [...tail.value.lines, ...linesNotShown(tail.value.lines, early)])
  early = undefined
  return out.failure(await events.value.ended)
}

/** What of `more` is not already the end of `shown`: both are windows on the same lines. */
export function linesNotShown(shown: readonly string[], more: readonly string[]): string[] {
  for (let overlap = Math.min(shown.length, more.length); overlap > 0; overlap -= 1) {
    const end = shown.slice(-overlap)
    if (end.every((line, i) => line === more[i])) return more.slice(overlap)
  }
  return [...more]
}

function print(out: Output, lines: readonly string[]): void {
  for (const line of lines) {
    out.object({ line })
    if (!out.json) process.stdout.write(`${process.stdout.isTTY ? visible(line) : line}\n`)
  }
}
