import { CapabilityError } from '../errors/capability-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import type { Remote } from '../utils/calls/remote.ts'
import { openWorkerLink, type WorkerLink } from '../utils/calls/worker-link.ts'
import type { Timers } from '../utils/with-deadline.ts'
import { createTimedCalls, type TimedCalls } from './timed-calls.ts'

/** One worker at a time: the first call starts it, and the next call after its end starts another. */
export interface WorkerLife<Methods extends object> {
  /** The running worker's methods, for calls that start none and may take any time. */
  readonly methods: Remote<Methods> | undefined
  /** The calls to the running worker. */
  readonly calls: Pick<TimedCalls, 'waiting' | 'busyForMs'>
  /**
   * Makes one call. It ends the worker if it takes longer than `ms` once it is its turn.
   *
   * @param make may say that the call is alive: its time begins anew
   */
  call<T>(ms: number, what: string, make: (methods: Remote<Methods>, isAlive: () => void) => Promise<T>): Promise<T>
  /** Ends the worker, and reports its death. */
  end(reason: Error): void
  /** Ends the worker without reporting a death. */
  retire(reason: Error): void
}

function toFault(event: ErrorEvent | MessageEvent): Error {
  const message = 'message' in event ? event.message : ''
  if (message.includes('edge-device-lost')) {
    return new EdgeError('edge-device-lost', 'The graphics processor was lost while the model ran on it.', {
      context: { detail: message },
    })
  }
  return new EdgeError('edge-crashed', 'The part of this page that runs models has crashed and was replaced.', {
    context: { detail: message },
  })
}

export function createWorkerLife<Methods extends object>(options: {
  readonly startWorker: () => Worker
  /** Methods that the worker serves on its lane. */
  readonly lane: readonly (keyof Methods & string)[]
  /** The worker is ending: whatever it held is gone. Called before pending calls are rejected. */
  readonly onEnding: () => void
  /** Called each time that the worker dies, after pending calls were rejected. */
  readonly onDeath?: ((reason: Error) => void) | undefined
  readonly timers?: Timers
  readonly nowMs?: () => number
}): WorkerLife<Methods> {
  const { startWorker, lane, onEnding, onDeath, ...clock } = options
  const calls = createTimedCalls(clock)
  let link: WorkerLink<Methods> | undefined

  const retire = (reason: Error): boolean => {
    const ending = link
    link = undefined
    onEnding()
    calls.clear()
    ending?.terminate(reason)
    return ending !== undefined
  }
  const end = (reason: Error) => {
    if (retire(reason)) onDeath?.(reason)
  }

  const start = (): WorkerLink<Methods> => {
    let worker: Worker
    try {
      worker = startWorker()
    } catch (cause) {
      throw new CapabilityError('worker-unavailable', 'This page may not start the worker that runs models.', { cause })
    }
    const toReason = (event: ErrorEvent | MessageEvent) => {
      const reason = toFault(event)
      // The link ends its worker by itself; its state must be forgotten, and its death reported.
      if (link === started) end(reason)
      return reason
    }
    // An aborted run counts as under way until the worker is done with it.
    const started = openWorkerLink<Methods>(worker, toReason, { waitsForAborted: true, lane: { calls: lane } })
    link = started
    return started
  }

  return {
    get methods() {
      return link?.methods
    },
    calls,
    async call(ms, what, make) {
      const { methods } = link ?? start()
      const expire = () => {
        const seconds = Math.round(ms / 1000)
        end(new EdgeError('edge-timeout', `${what} on this device took over ${seconds} s and was stopped.`))
      }
      return calls.add(ms, expire, (isAlive) => make(methods, isAlive))
    },
    end,
    retire: (reason) => void retire(reason),
  }
}
