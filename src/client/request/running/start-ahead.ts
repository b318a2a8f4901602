import type { ArmRef } from '../../../routing/router-types.ts'
import type { RequestContext } from '../snapshot/request-context.ts'
import { type ArmAnswer, type ArmRequest, runOnArm } from './arm-runs.ts'

/** A run that began before its request was planned. */
export interface AheadRun {
  /** Hands the run over to the plan, whose signal ends it from now on; undefined once it was handed over. */
  take(signal: AbortSignal): Promise<ArmAnswer> | undefined
  /** Ends the run, unless it was handed over. */
  drop(): void
}

const edge: ArmRef = { arm: 'edge' }

/**
 * Begins a request that must stay on this device, where its model is ready: nothing about the arm is left to decide, so
 * its record is prepared while the worker runs. On a small model that is a good part of what a request
 * takes beside the run.
 */
export function startAhead(context: RequestContext, request: ArmRequest): AheadRun | undefined {
  if (request.privacy !== 'edge-only' || context.edge.loaded(request.manifest) === undefined) return undefined
  const controller = new AbortController()
  const running = runOnArm(context, request, edge, controller.signal)
  running.catch(() => {}) // handled where the plan awaits it; avoids an unhandled rejection
  let isTaken = false
  return {
    take(signal) {
      if (isTaken) return undefined
      isTaken = true
      signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
      return running
    },
    drop() {
      if (!isTaken) controller.abort(new DOMException('The request was not planned.', 'AbortError'))
    },
  }
}
