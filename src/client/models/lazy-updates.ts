import type { createModelUpdates, ModelUpdates } from './model-updates.ts'

/** Updates of models, whose code is fetched when the first one is looked for. */
export function createLazyUpdates(parts: Parameters<typeof createModelUpdates>[0]): ModelUpdates {
  let opened: Promise<ModelUpdates> | undefined
  const open = () => {
    opened ??= import('./model-updates.ts').then((module) => module.createModelUpdates(parts))
    opened.catch(() => {
      opened = undefined
    })
    return opened
  }
  return {
    update: async (name, options) => (await open()).update(name, options),
    async follow(name) {
      const updates = await open().catch(() => undefined)
      await updates?.follow(name)
    },
  }
}
