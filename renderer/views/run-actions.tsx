import { stepCount } from '../../contract/messages/runbook-message.ts'
import type { RunbookProgress } from '../../contract/runbook.ts'
import { Button } from '../ui/button.tsx'
import { FullOnly } from './full-only.tsx'
import { useAnswer } from './run-page.tsx'
import { useAnswerSheet } from './run-question.tsx'
import type { ViewModel } from './view-model.tsx'

/** Below the headline of a runbook under way: how far it is, its question, and a way to its steps. */
export function RunActions({ model, onSteps }: { model: ViewModel; onSteps: () => void }) {
  const { runbook } = model.snapshot
  if (!runbook || !model.isConnected) return null
  return <Under runbook={runbook} onSteps={onSteps} />
}

function Under({ runbook, onSteps }: { runbook: RunbookProgress; onSteps: () => void }) {
  const { question } = runbook
  const { open, sheet } = useAnswerSheet(question, useAnswer(runbook))
  const count = stepCount(runbook)
  return (
    <div className="act">
      {question && (
        <FullOnly to="answer">
          <Button kind="fill" small onPress={open}>
            {question.confirm}…
          </Button>
        </FullOnly>
      )}
      <Button small onPress={onSteps}>
        Show steps
      </Button>
      {count !== undefined && <span className="label">{count}</span>}
      {sheet}
    </div>
  )
}
