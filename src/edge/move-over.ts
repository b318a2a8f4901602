import type { BackendSetup } from '../device/backend-setups.ts'
import { type SetupTime, worthTrying } from '../device/rank-setups.ts'
import { sleep } from '../utils/sleep.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { ModelSlot } from './model-slots.ts'

/** Faster by less than this is not worth a move. */
const movesWhenFasterBy = 0.95
const restMs = 250
/** A page that never rests is not waited for longer than this. */
const mostRests = 240

/** Waits until nothing has run for a while, so that what is tried does not slow what a person waits for. */
export async function whenResting(isBusy: () => boolean, signal: AbortSignal): Promise<void> {
  let quiet = 0
  for (let rest = 0; rest < mostRests && quiet < 2; rest += 1) {
    await sleep(restMs, signal)
    quiet = isBusy() ? 0 : quiet + 1
  }
}

/** Times a model again that was loaded with an earlier visit's time: the device may be slower now, or faster. */
export async function timeAgain(slot: ModelSlot, knowledge: Pick<DeviceKnowledge, 'learnWarmup'>): Promise<void> {
  slot.isRemembered = false
  const warmupMs = await slot.host.time(slot.key)
  slot.loaded = { ...slot.loaded, warmupMs }
  knowledge.learnWarmup(slot.key, slot.setup, warmupMs)
}

/**
 * Tries a loaded model where it may be faster than where it is, and moves it when it is. It answers from its old place
 * until the new one has loaded, passed its canary and given the same answers to the same inputs. Each setup is tried once, since its time is known afterwards.
 */
export async function moveOver(engine: {
  /** Where the model answers from now. */
  serving(): ModelSlot | undefined
  times(): readonly SetupTime[]
  /** Loads it beside the old one; rejects where that fails or would cost another model its place. */
  tryOn(setup: BackendSetup): Promise<ModelSlot>
  moveTo(slot: ModelSlot): void
  unload(slot: ModelSlot): Promise<void>
  /** Do both give the same answers to the same inputs? Default: they do. */
  compare?(now: ModelSlot, other: ModelSlot): Promise<'same' | 'different' | 'unknown'>
  readonly signal: AbortSignal
}): Promise<void> {
  const compare = async (now: ModelSlot, other: ModelSlot) => {
    try {
      return (await engine.compare?.(now, other)) ?? 'same'
    } catch {
      return 'unknown'
    }
  }
  const tried = new Set<BackendSetup>()
  for (;;) {
    const current = engine.serving()
    if (current === undefined || engine.signal.aborted) return
    const open = engine.times().filter(({ setup }) => !tried.has(setup))
    const next = worthTrying(current.setup, current.loaded.warmupMs, open)
    if (next === undefined) return
    tried.add(next)
    const other = await engine.tryOn(next).catch(() => undefined)
    if (other === undefined) continue
    const now = engine.serving()
    const isFaster =
      now !== undefined && other.isTimed !== false && other.loaded.warmupMs < now.loaded.warmupMs * movesWhenFasterBy
    // What differs from WASM is wrong, however fast it is.
    const isReference = other.setup.backend === 'wasm' && now !== undefined && now.setup.backend !== 'wasm'
    const agree =
      now !== undefined && now.pins === 0 && (isFaster || isReference) ? await compare(now, other) : 'unknown'
    const moves = (agree === 'same' && isFaster) || (agree === 'different' && isReference)
    if (moves && now !== undefined && now.pins === 0 && engine.serving() === now) {
      engine.moveTo(other)
      await engine.unload(now)
    } else {
      await engine.unload(other)
    }
  }
}
