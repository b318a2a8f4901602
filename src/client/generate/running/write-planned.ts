import type { Manifest } from '../../../contracts/manifest.ts'
import type { TextPlan } from '../../../routing/text/text-types.ts'
import { invariant } from '../../../utils/invariant.ts'
import type { Timers } from '../../../utils/with-deadline.ts'
import type { WritingPart } from '../../types/generate-types.ts'
import type { AnswerState } from '../answer/answer-state.ts'
import type { GenerateParts } from '../routing/generate-parts.ts'
import type { TextRouting } from '../routing/text-routing.ts'
import { runOnCloud } from './cloud-run.ts'
import type { ConductedWriting } from './conduct-types.ts'
import { conductWriting } from './conduct-writing.ts'
import { type EdgeRequest, readAhead, runOnEdge } from './edge-run.ts'
import type { PlannedText } from './plan-text.ts'
import { findReceivers, type Handover } from './receivers.ts'

/** Has a planned text written, by this device and the endpoints. */
export function writePlanned(
  { edge, edgeModels, pipeline }: GenerateParts,
  { clouds, router, learner }: TextRouting,
  manifest: Manifest,
  options: PlannedText & {
    readonly decision: TextPlan
    readonly request: EdgeRequest
    readonly promptTokens: number
    readonly handover: Handover
    readonly restart: boolean
    /** What an earlier page has written; it grows. */
    readonly state: AnswerState
    readonly onPart: (part: WritingPart) => void
    readonly signal: AbortSignal
    readonly nowMs?: (() => number) | undefined
    readonly timers?: Timers | undefined
  },
): ConductedWriting {
  const {
    decision: plan,
    view,
    request,
    promptTokens,
    handover,
    restart,
    state,
    onPart,
    signal,
    nowMs,
    timers,
  } = options
  const { watcher, power } = pipeline.writing
  const { places, forecast } = view
  const onEdge = { edge, manifest, request }
  const { prompt, sampling, stops, maxTokens } = request
  return conductWriting({
    ...{ plan, places, state, promptTokens, forecast, router, learner, onPart, signal, nowMs, timers },
    start(ref, from, events, { signal: own, isAgain }) {
      if (ref.arm === 'edge') {
        const prepare = (until: AbortSignal) => edgeModels.prepare(manifest, { signal: until })
        return runOnEdge({ ...onEdge, prepare }, from, events, own)
      }
      const cloud = clouds.find(({ name }) => name === ref.endpoint)
      invariant(cloud !== undefined, 'the endpoint of a plan is one of the client')
      const { id: model } = cloud.modelOf(manifest)
      return runOnCloud(
        {
          server: cloud.server,
          request: { model, prompt, sampling, stops, maxTokens },
          isSameTokenizer: () => cloud.isSameTokenizer(manifest),
          isAgain,
        },
        from,
        events,
        own,
      )
    },
    readAhead: (from, onRead, until) => readAhead(onEdge, from, onRead, until),
    receivers: (writer) =>
      findReceivers({
        ...{ state, prompt, writer, handover, places, forecast },
        mayRestart: restart,
        allows: (ref) => router.allows(ref),
        online: watcher.online,
        promptTokens: state.promptIds?.length ?? promptTokens,
      }),
    staysHere: view.snapshot.privacy === 'prefer-edge' || view.snapshot.saveData,
    isOnline: () => watcher.online,
    savesPower: () => power.savePower,
    onChange: (listener) => watcher.onChange(listener),
  })
}
