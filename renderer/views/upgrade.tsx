import { useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import { advisoryMessage } from '../../contract/messages/release-message.ts'
import type { UpgradePlan } from '../../contract/upgrade.ts'
import { Findings } from './plan-parts.tsx'
import { RunPage } from './run-page.tsx'
import { UpgradeChoice, type UpgradeRequest } from './upgrade-choice.tsx'
import { PlanView } from './upgrade-plan.tsx'
import { useVersions } from './use-upgrade.ts'
import { useStore, type ViewModel } from './view-model.tsx'

/** Choose a version, see the plan, watch the steps, read how it ended. */
export function UpgradeView({ model }: { model: ViewModel }) {
  const { upgrade } = useStore()
  const versions = useVersions(model)
  const current = model.snapshot.runbook
  const live = current?.runbook === 'upgrade' ? current.run : undefined
  const [run, setRun] = useState<string>()
  const [request, setRequest] = useState<UpgradeRequest>()
  const [plan, setPlan] = useState<UpgradePlan>()
  const [failure, setFailure] = useState<Failure>()
  // A run that is begun elsewhere shows here too.
  useEffect(() => {
    if (live !== undefined) setRun(live)
  }, [live])

  function back(): void {
    setRun(undefined)
    setRequest(undefined)
    setPlan(undefined)
    setFailure(undefined)
  }

  async function choose(next: UpgradeRequest): Promise<void> {
    setFailure(undefined)
    setRequest(next)
    const answer = await upgrade.begin({ ...next, dryRun: true, yes: false })
    if (answer.ok && 'plan' in answer.value) setPlan(answer.value.plan)
    else {
      setRequest(undefined)
      if (!answer.ok) setFailure(answer.error)
    }
  }

  async function begin(): Promise<void> {
    if (!request || !plan) return
    // What was not in the plan, such as the digest of a build or a change of config.json, is asked when it is known.
    const yes = plan.origin !== 'unproven' && plan.edit === undefined
    const answer = await upgrade.begin({ ...request, dryRun: false, yes })
    if (!answer.ok) setFailure(answer.error)
    else if ('run' in answer.value) setRun(answer.value.run)
  }

  if (run !== undefined)
    return (
      <RunPage model={model} name={run} onDone={back}>
        {live !== undefined && plan !== undefined && plan.findings.length > 0 && (
          <section aria-labelledby="means">
            <header className="over">
              <h2 id="means">What this release means for your configuration</h2>
            </header>
            <Findings findings={plan.findings} label="Findings" />
          </section>
        )}
      </RunPage>
    )
  if (request && plan)
    return (
      <PlanView
        plan={plan}
        request={request}
        {...(current ? { busyWith: current.title } : {})}
        {...(failure ? { failure } : {})}
        onBack={back}
        onBegin={() => void begin()}
      />
    )
  return (
    <UpgradeChoice
      versions={versions}
      model={model}
      waits={request !== undefined}
      {...(failure ? { failure } : {})}
      onChoose={next => void choose(next)}
    />
  )
}

/** How many advisories are pending, for the side bar. */
export function upgradeBadge(model: ViewModel): { count: number; message: string } | undefined {
  const message = advisoryMessage(model.snapshot)
  const count = model.snapshot.upgrade?.advisories.length ?? 0
  return message && count > 0 ? { count, message: message.title } : undefined
}
