/** Log lines that wait for a slow listener: bounded in lines and in characters, oldest dropped first, and counted. */
export interface LogBacklog {
  push(lines: readonly string[]): void
  /** What waits, and how many lines before it were dropped; undefined when nothing does. Empties the backlog. */
  take(): { lines: string[]; dropped: number } | undefined
}

export function logBacklog(limit: { lines: number; characters: number }): LogBacklog {
  let lines: string[] = []
  let characters = 0
  let dropped = 0
  return {
    push(more) {
      for (const line of more) {
        lines.push(line)
        characters += line.length
      }
      let gone = 0
      while (lines.length - gone > limit.lines || characters > limit.characters) {
        const oldest = lines[gone]
        if (oldest === undefined) break
        characters -= oldest.length
        gone += 1
      }
      if (gone > 0) lines = lines.slice(gone)
      dropped += gone
    },
    take() {
      if (lines.length === 0 && dropped === 0) return undefined
      const taken = { lines, dropped }
      lines = []
      characters = 0
      dropped = 0
      return taken
    },
  }
}
