import { type ReactNode, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import { advisoryMessage } from '../../contract/messages/release-message.ts'
import type { RunbookDetails } from '../../contract/runbook.ts'
import { Glyph } from '../ui/glyph.tsx'
import { Refused } from './headline.tsx'
import { RunView, type RunViewProps } from './run.tsx'
import { address, engineName } from './snapshot-text.ts'
import { useRun } from './use-run.ts'
import { useStore, type ViewModel } from './view-model.tsx'

/** Answers the question of the run under way, with a key where one is wanted. */
export function useAnswer(
  run: Pick<RunbookDetails, 'question' | 'run'> | undefined,
): RunViewProps['onAnswer'] {
  const { runbooks, keys } = useStore()
  return async (agreed, key) => {
    if (!run?.question) return null
    const question = run.question.id
    const answer =
      agreed && key !== undefined
        ? await keys.offerKey({ question, key })
        : await runbooks.answer({ question, agreed, run: run.run })
    return answer.ok ? null : <Refused failure={answer.error} />
  }
}

/** What the registry is like now, for a run that has ended. */
const registryFacts = ({ snapshot, status }: ViewModel): [string, ReactNode][] => [
  ['Registry', `${status.headline}${snapshot.process.kind === 'serving' ? ` at ${address(snapshot)}` : ''}`],
  ['Engine', engineName(snapshot)],
  ...(snapshot.upgrade && snapshot.upgrade.advisories.length > 0
    ? [['Still open', advisoryMessage(snapshot)?.title ?? ''] satisfies [string, ReactNode]]
    : []),
]

/** A run in its view, joined to the core: the one that is named, else the one under way, else the last. */
export function RunPage({
  model,
  name,
  onDone,
  ...more
}: { model: ViewModel; name?: string; onDone: () => void } & Pick<RunViewProps, 'children' | 'after'>) {
  const { runbooks } = useStore()
  const run = useRun(model, name)
  const onAnswer = useAnswer(run)
  const [failure, setFailure] = useState<Failure>()
  if (!run)
    return (
      <>
        <header className="bar-top">
          <h1 id="view">Steps</h1>
        </header>
        <p className="nothing">
          No runbook has run here yet. One runs when you change the engine: zotbar engine use zot
        </p>
      </>
    )
  return (
    <RunView
      run={run}
      facts={registryFacts(model)}
      onAnswer={onAnswer}
      onCancel={() => {
        void runbooks.cancel({}).then(answer => setFailure(answer.ok ? undefined : answer.error))
      }}
      onDone={onDone}
      {...more}
    >
      {!model.isConnected && (
        <p className="small two not-now">
          <Glyph name="attention" /> Zotbar does not answer; these are the steps as they were last known.
        </p>
      )}
      {failure && <Refused failure={failure} />}
      {more.children}
    </RunView>
  )
}
