import { armKey, toArmRef } from '../../../routing/arm-ref.ts'
import { begin, leave } from './change-arms.ts'
import type { ConductedWriting, ConductOptions } from './conduct-types.ts'
import type { LiveRun } from './live-run.ts'
import { startReadingAhead } from './read-ahead.ts'
import type { RunEnd } from './run-types.ts'
import { endRun, liveRuns, openScene, type Scene, stopAhead } from './scene.ts'

/** Tokens after which the receivers are looked for anew: what they would have to read has grown. */
const lookAgainTokens = 16

/** Tells the watch what it rests on: who could take over, and whether this device should be left. */
function look(scene: Scene, run: LiveRun): void {
  const { options } = scene
  if (run !== scene.writer) return
  const isEdge = run.ref.arm === 'edge'
  const mayChoose = scene.mayChoose && !(isEdge && options.staysHere)
  const wish = !isEdge ? undefined : options.savesPower() ? 'battery' : run.isHot() ? 'heat' : undefined
  run.watch.prefer(mayChoose && scene.leaving === undefined ? wish : undefined)
  const { tokens } = options.state
  if (tokens - scene.lookedAt < lookAgainTokens && run.inside === undefined) return
  scene.lookedAt = run.inside === undefined ? tokens : Number.NEGATIVE_INFINITY
  const [best] = run.inside === undefined ? options.receivers(run.ref) : []
  // Nobody begins anew, nor on an arm that fails, because that might be faster.
  if (best === undefined || best.isRestart || best.isSetAside) run.watch.receiver(undefined)
  // Only in case the one that writes fails: never for its speed.
  else run.watch.receiver(mayChoose ? best.receiver : { ...best.receiver, tokenMs: Number.POSITIVE_INFINITY })
}

/** Does what is due now, and comes again when something else is. */
function schedule(scene: Scene): void {
  const { timers, nowMs, options, watched: run } = scene
  timers.clearTimeout(scene.timer)
  if (scene.isOver || run === undefined || run.end !== undefined || run.queue !== undefined) return
  look(scene, run)
  let action = run.watch.next(nowMs())
  if (action.do === 'prepare') {
    stopAhead(scene)
    scene.ahead = startReadingAhead(options.readAhead, { ...options.state }, action.reason, () => {
      if (scene.isOver || run.end !== undefined) return
      run.watch.prepared()
      scene.schedule()
    })
    action = run.watch.next(nowMs())
  }
  if (action.do === 'move') {
    leave(scene, run, action)
    return
  }
  const untilMs = action.do === 'wait' ? action.untilMs : nowMs()
  if (untilMs === Number.POSITIVE_INFINITY) return
  scene.timer = timers.setTimeout(() => scene.schedule(), Math.max(1, untilMs - nowMs()))
}

/**
 * Has an answer written by the arms of a plan, as one text.
 *
 * The first token is raced: the plan's second run starts when it is due, and whoever gives a token first goes on; the
 * others are aborted. From then on the arm that writes is watched. When it fails, stalls or should be left, another one is
 * given what was written and goes on from the very place; the text is only ever added to. A receiver counts once its first
 * token is there: a writer that was only silent and speaks before it goes on itself.
 */
export function conductWriting(options: ConductOptions): ConductedWriting {
  const { plan, router, signal } = options
  const scene = openScene(options)
  const { timers, log } = scene
  let resolve: (end: RunEnd) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const end = new Promise<RunEnd>((onEnd, onError) => {
    resolve = onEnd
    reject = onError
  })
  let secondTimer: unknown

  const over = (result: 'lost' | 'abandoned') => {
    scene.isOver = true
    timers.clearTimeout(scene.timer)
    timers.clearTimeout(secondTimer)
    signal.removeEventListener('abort', onAbort)
    stopChanges()
    for (const run of liveRuns(scene)) endRun(scene, run, result)
    stopAhead(scene)
    router.settle(plan)
  }
  const onAbort = () => {
    if (scene.isOver) return
    over('abandoned')
    reject(signal.reason)
  }
  const stopChanges = options.onChange(() => {
    if (scene.isOver) return
    const run = scene.writer ?? scene.watched
    if (!options.isOnline() && run?.ref.arm === 'cloud' && run.end === undefined) run.watch.failed('offline')
    scene.schedule()
  })
  scene.schedule = () => schedule(scene)
  scene.finish = (run, ended) => {
    endRun(scene, run, 'answered')
    over('lost')
    resolve(ended)
  }
  scene.fail = (error) => {
    over('abandoned')
    reject(error)
  }

  if (signal.aborted) {
    onAbort()
    return { log, end }
  }
  signal.addEventListener('abort', onAbort)
  begin(scene, { ref: toArmRef(plan) })
  const { second } = plan
  if (second !== undefined) {
    const startSecond = () => {
      const isStarted = scene.runs.some(({ ref }) => armKey(ref) === armKey(second))
      if (!scene.isOver && scene.writer === undefined && !isStarted) begin(scene, { ref: toArmRef(second) })
      scene.schedule()
    }
    if (second.afterMs > 0) secondTimer = timers.setTimeout(startSecond, second.afterMs)
    else startSecond()
  }
  scene.schedule()
  return { log, end }
}
