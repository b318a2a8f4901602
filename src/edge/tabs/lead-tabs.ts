import type { EdgeEngine, EdgeEvents } from '../edge-types.ts'
import { LeaderGone } from './leader-gone.ts'
import type { Locks } from './leadership.ts'
import { type EdgeService, serveEdge } from './serve-edge.ts'

/** A tab that leads: its own engine, and the tabs that it serves it to. */
export interface LeadingTab {
  readonly engine: EdgeEngine
  /** Serves the engine to a tab; one that was served before has joined anew. */
  serve(follower: string): void
  /** Ends the service to all tabs. The engine goes on. */
  dismiss(reason: LeaderGone): void
}

/** @param createOwn makes this tab's own engine, whose events reach the served tabs, too */
export function leadTabs(options: {
  readonly createOwn: (events: EdgeEvents) => EdgeEngine
  readonly events: EdgeEvents
  readonly locks: Locks
  readonly channelTo: (follower: string) => string
  readonly lifeLockOf: (follower: string) => string
}): LeadingTab {
  const { createOwn, events, locks, channelTo, lifeLockOf } = options
  const services = new Map<string, EdgeService>()
  const tellAll = (tell: (events: EdgeService['events']) => void) => {
    for (const service of services.values()) tell(service.events)
  }

  const engine = createOwn({
    onDevice(report) {
      events.onDevice?.(report)
      tellAll((others) => others.onDevice(report))
    },
    onRuntime(progress) {
      events.onRuntime?.(progress)
      tellAll((others) => others.onRuntime(progress))
    },
    onGone() {
      events.onGone?.()
      tellAll((others) => others.onGone())
    },
    onMoved(moved) {
      events.onMoved?.(moved)
      tellAll((others) => others.onMoved(moved))
    },
  })

  return {
    engine,
    serve(follower) {
      services.get(follower)?.close(new LeaderGone('joined anew'))
      const service = serveEdge({
        edge: engine,
        channelName: channelTo(follower),
        lifeLock: lifeLockOf(follower),
        locks,
        onEnd: () => services.delete(follower),
      })
      services.set(follower, service)
    },
    dismiss(reason) {
      for (const service of services.values()) service.close(reason)
      services.clear()
    },
  }
}
