import { moveReasons } from '../../../contracts/route-reasons.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { reasonOfFirstToken } from '../../../routing/text/deciding/explain-text.ts'
import { given } from '../../../utils/given.ts'
import { type AnswerPart, addPart, isBegun, noAnswer } from '../answer/answer-state.ts'
import type { LiveRun } from './live-run.ts'
import { candidates, endRun, type Leaving, liveRuns, type Scene, stopAhead } from './scene.ts'

/** The writer has written more. */
export function addText(scene: Scene, run: LiveRun, part: AnswerPart): void {
  const { log, nowMs, options } = scene
  const now = nowMs()
  scene.version += 1
  addPart(options.state, part)
  run.arrived(now, part.tokens)
  if (part.tokens > 0 || part.text !== '') {
    log.firstTokenAt ??= now
    log.lastTokenAt = now
  }
  scene.faults.progress()
  // It was only silent, and goes on itself: who was to take over knows too little of the answer by now.
  for (const other of candidates(scene)) if (other.basedOn < scene.version) endRun(scene, other, 'lost')
  scene.leaving = undefined
  scene.watched = run
  if (scene.ahead?.reason === 'stalled' && !scene.ahead.isDone()) stopAhead(scene)
  if (part.text !== '') {
    options.onPart({ type: 'text', text: part.text, tokens: part.tokens, arm: run.ref.arm })
  }
  scene.schedule()
}

/** A run's first token has come: from now on it writes. */
export function takeOver(scene: Scene, run: LiveRun, part: AnswerPart): void {
  const { log, nowMs } = scene
  const { state, plan } = scene.options
  const left = scene.leaving
  for (const other of liveRuns(scene)) {
    if (other === run) continue
    if (other !== left?.run) endRun(scene, other, 'lost')
    else if (left.isFailure) endRun(scene, other, 'failed', left.reason)
    else endRun(scene, other, 'answered')
  }
  const from = scene.lastWriter
  const hadBegun = isBegun(state)
  if (run.isRestart) {
    log.wastedTokens += state.tokens
    Object.assign(state, noAnswer())
  }
  const { promptIds, promptText, droppedMessages, ids } = run.beginning ?? { ids: undefined }
  state.promptIds ??= promptIds
  state.promptText ??= promptText
  state.droppedMessages = droppedMessages ?? state.droppedMessages
  state.ids = ids
  scene.writer = run
  scene.wrote.add(run)
  scene.lastWriter = run.ref
  scene.lookedAt = Number.NEGATIVE_INFINITY
  if (log.first === undefined) {
    log.first = run.ref
    log.cachedTokens = run.cached()
    const others = log.attempts().flatMap(({ result, ...ref }) => (result === undefined ? [] : [{ ...ref, result }]))
    log.reason = reasonOfFirstToken(plan, run.ref, others)
  }
  // On this device, what was read ahead is what it writes from.
  if (run.ref.arm === 'edge') scene.ahead = undefined
  else stopAhead(scene)
  if (from !== undefined && hadBegun) tellMove(scene, from, run, left ?? { reason: 'failed', at: nowMs() })
  addText(scene, run, part)
}

function tellMove(scene: Scene, from: ArmRef, run: LiveRun, left: Pick<Leaving, 'reason' | 'at' | 'error'>): void {
  const { options, log, nowMs } = scene
  const move = {
    from: from.arm,
    to: run.ref.arm,
    reason: left.reason,
    ...given({ error: left.error, endpoint: run.ref.endpoint }),
    atToken: options.state.tokens,
    gapMs: nowMs() - left.at,
    ...(run.isRestart ? { restarted: true } : {}),
  }
  log.moves.push(move)
  options.onPart({ type: 'moved', ...move, why: moveReasons[left.reason] })
}
