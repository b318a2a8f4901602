import { CloudError } from '../../../errors/cloud-error.ts'
import { mayFallOver } from '../../../errors/codes.ts'
import { type HitherError, isHitherError } from '../../../errors/hither-error.ts'
import { NoArmError } from '../../../errors/no-arm-error.ts'
import { armKey } from '../../../routing/arm-ref.ts'
import type { ArmRef } from '../../../routing/router-types.ts'

/** Whose fault an error is: the arm's; the request's, which no arm can answer; or nobody's: this arm can't do it. */
export type Fault = 'arm' | 'request' | 'nobody'

/** What failed since the answer last grew. */
export interface FaultBook {
  add(ref: ArmRef, error: unknown): Fault
  /** The answer has grown: who failed before may be asked again. */
  progress(): void
  /** How often this arm has failed without a token between. */
  of(ref: ArmRef): number
  /** How often it has failed in this answer. */
  inAll(ref: ArmRef): number
  /** The arm that failed last. */
  last(): ArmRef | undefined
  /** May the same arm be asked once more? */
  mayTryAgain(ref: ArmRef): boolean
  /** What to say when nobody is left. @param last the last error */
  error(last: unknown): unknown
}

/** What writes has died, and another one goes on. What a model itself does wrongly, it would do again. */
const deaths: ReadonlySet<string> = new Set(['edge-crashed', 'edge-device-lost', 'edge-timeout'])
/** A connection that broke may be made again, and a server that is too busy asked again when it says so. */
const breaks: ReadonlySet<string> = new Set(['cloud-unreachable', 'cloud-failed', 'cloud-timeout', 'cloud-overloaded'])

/** Deaths that an answer survives without a token between: a model that ends its worker each time is not tried for ever. */
const mostDeaths = 2
const mostBreaks = 1

const isBreak = (error: HitherError) =>
  breaks.has(error.code) || (error.code === 'cloud-bad-response' && error.context.cutOff === true)

function faultOf(error: unknown): Fault {
  if (!isHitherError(error)) return 'request'
  // It knows no way to go on or an option that is asked for, or the text is too long for it. What its filter has ended,
  // nobody else shall go on with.
  if (error.code === 'cloud-refused') return error.context.filter === true ? 'request' : 'nobody'
  if (error instanceof CloudError && error.context.goOn === true) return 'nobody'
  if (error.code === 'edge-run-failed' && error.context.goOn === true) return 'nobody'
  if (error.code === 'context-full' || error.code === 'cloud-too-large') return 'nobody'
  return mayFallOver(error.code) ? 'arm' : 'request'
}

export function openFaultBook(): FaultBook {
  const counts = new Map<string, number>()
  const all = new Map<string, number>()
  let recent: HitherError[] = []
  let last: { readonly ref: ArmRef; readonly error: unknown } | undefined
  const of = (ref: ArmRef) => counts.get(armKey(ref)) ?? 0
  return {
    add(ref, error) {
      counts.set(armKey(ref), of(ref) + 1)
      all.set(armKey(ref), (all.get(armKey(ref)) ?? 0) + 1)
      if (isHitherError(error)) recent.push(error)
      last = { ref, error }
      return faultOf(error)
    },
    progress() {
      counts.clear()
      recent = []
    },
    of,
    inAll: (ref) => all.get(armKey(ref)) ?? 0,
    last: () => last?.ref,
    mayTryAgain(ref) {
      if (last === undefined || armKey(last.ref) !== armKey(ref) || !isHitherError(last.error)) return false
      if (ref.arm === 'edge') return deaths.has(last.error.code) && of(ref) <= mostDeaths
      return isBreak(last.error) && of(ref) <= mostBreaks
    },
    error(error) {
      const codes = new Set(recent.map(({ code }) => code))
      if (codes.size < 2) return error
      const sentence = recent.map(({ message }) => message).join(' ')
      return new NoArmError('no-arm', `Nothing could write the answer. ${sentence}`, { attempts: recent, cause: error })
    },
  }
}
