import type { AnyFunction } from './pack-values.ts'

/** Functions that crossed a link: those of this side by their numbers, and stand-ins for those of the other side. */
export interface KeptFunctions {
  /** Keeps a function of this side until the other side releases it. */
  keep(work: AnyFunction): number
  get(id: number): AnyFunction | undefined
  release(id: number): void
  /** A function of the other side. */
  standIn(id: number): AnyFunction
  clear(): void
}

/** @param onCollected a stand-in was collected: nobody can call it any more */
export function createKeptFunctions(options: {
  readonly call: (id: number, args: readonly unknown[]) => Promise<unknown>
  readonly onCollected: (id: number) => void
}): KeptFunctions {
  const { call, onCollected } = options
  const kept = new Map<number, AnyFunction>()
  const collected = new FinalizationRegistry<number>(onCollected)
  let ids = 0
  return {
    keep(work) {
      ids += 1
      kept.set(ids, work)
      return ids
    },
    get: (id) => kept.get(id),
    release: (id) => void kept.delete(id),
    standIn(id) {
      const work = (...args: unknown[]) => {
        const answered = call(id, args)
        answered.catch(() => {}) // nobody waits for a progress report
        return answered
      }
      collected.register(work, id)
      return work
    },
    clear: () => kept.clear(),
  }
}
