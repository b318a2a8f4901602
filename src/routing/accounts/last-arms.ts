import type { Arm } from '../../contracts/route.ts'

/** The arm that each model's last request started on. */
export interface LastArms {
  of(model: string): Arm | undefined
  set(model: string, arm: Arm): void
}

/** @param mostModels beyond this many, the least recently used model is dropped */
export function createLastArms(mostModels = 64): LastArms {
  const arms = new Map<string, Arm>()
  return {
    of: (model) => arms.get(model),
    set(model, arm) {
      arms.delete(model)
      arms.set(model, arm)
      for (const oldest of arms.keys()) {
        if (arms.size <= mostModels) break
        arms.delete(oldest)
      }
    },
  }
}
