import { type ReactNode, useId, useRef, useState } from 'react'
import type { RunbookQuestion } from '../../contract/runbook.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'
import { SignIn } from './sign-in.tsx'

/** Answers a question; where a key is wanted, with it. Resolves with what was refused. */
export type AnswerQuestion = (agreed: boolean, key?: string) => Promise<ReactNode>

/** What a run waits with, and the sheet that answers it. Closing the sheet answers nothing. */
export function RunQuestion({ question, onAnswer }: { question: RunbookQuestion; onAnswer: AnswerQuestion }) {
  const { open, sheet } = useAnswerSheet(question, onAnswer)
  return (
    <section className="card pad at-hand" aria-label="Question">
      <Glyph name="waits" />
      <div>
        <p className="t">{question.title}</p>
        <p className="two lines">{question.body}</p>
        <FullOnly to="answer">
          <SignIn question={question} />
          <div className="act">
            <Button kind="fill" onPress={open}>
              {question.confirm}…
            </Button>
          </div>
        </FullOnly>
      </div>
      {sheet}
    </section>
  )
}

/** The sheet of one question: the next question, which may come before this answer has returned, does not open by itself. */
export function useAnswerSheet(
  question: RunbookQuestion | undefined,
  onAnswer: AnswerQuestion,
): { open: () => void; sheet: ReactNode } {
  const [asking, setAsking] = useState<string>()
  const close = (id: string): void => setAsking(now => (now === id ? undefined : now))
  return {
    open: () => setAsking(question?.id),
    sheet: question !== undefined && asking === question.id && (
      <AnswerSheet
        key={question.id}
        question={question}
        onAnswer={onAnswer}
        onClose={() => close(question.id)}
      />
    ),
  }
}

/** The question of a run, with a field where a key is wanted. */
function AnswerSheet({
  question,
  onAnswer,
  onClose,
}: {
  question: RunbookQuestion
  onAnswer: AnswerQuestion
  onClose: () => void
}) {
  const { title, body, confirm, wants } = question
  /** A pasted key is in this field only, which is cleared when it was sent. */
  const field = useRef<HTMLInputElement>(null)
  const [refused, setRefused] = useState<ReactNode>()
  const id = useId()
  async function agree(): Promise<void> {
    const key = field.current?.value.trim() ?? ''
    // A missing key is reported before anything is sent.
    if (wants !== undefined && key === '') {
      setRefused(<p className="small bad">Paste the key first.</p>)
      return
    }
    const answer = onAnswer(true, wants ? key : undefined)
    if (field.current) field.current.value = ''
    const refusal = await answer
    if (refusal) setRefused(refusal)
    else onClose()
  }
  return (
    <Sheet
      title={title}
      body={body}
      dismissLabel="Later"
      confirm={confirm}
      kind="fill"
      staysOpen
      alternative={{
        label: 'Do not',
        onPress() {
          onClose()
          void onAnswer(false)
        },
      }}
      onConfirm={() => void agree()}
      onClose={onClose}
    >
      {wants && (
        <div className="form">
          <SignIn question={question} />
          <label htmlFor={id}>Key of {wants.keyOf}</label>
          <input
            id={id}
            className="field"
            type="password"
            autoComplete="off"
            spellCheck={false}
            ref={field}
          />
        </div>
      )}
      {refused && <div role="alert">{refused}</div>}
    </Sheet>
  )
}
