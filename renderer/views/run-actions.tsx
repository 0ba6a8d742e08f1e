import { useState } from 'react'
import type { RunbookProgress } from '../../preload/contract/runbook.ts'
import { stepCount } from '../../preload/words/runbook-words.ts'
import { Button } from '../ui/button.tsx'
import type { Seen } from './knowledge.tsx'
import { useAnswer } from './run-page.tsx'
import { AnswerSheet } from './run-question.tsx'

/** Below the headline of a runbook under way: how far it is, its question, and a way to its steps. */
export function RunActions({ seen, onSteps }: { seen: Seen; onSteps: () => void }) {
  const { runbook } = seen.snapshot
  if (!runbook || !seen.answers) return null
  return <Under runbook={runbook} onSteps={onSteps} />
}

function Under({ runbook, onSteps }: { runbook: RunbookProgress; onSteps: () => void }) {
  const [open, setOpen] = useState(false)
  const onAnswer = useAnswer(runbook)
  const { question } = runbook
  const count = stepCount(runbook)
  return (
    <div className="act">
      {question && (
        <Button kind="fill" small onPress={() => setOpen(true)}>
          {question.confirm}…
        </Button>
      )}
      <Button small onPress={onSteps}>
        Show steps
      </Button>
      {count !== undefined && <span className="label">{count}</span>}
      {open && question && (
        <AnswerSheet
          key={question.id}
          question={question}
          onAnswer={onAnswer}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  )
}
