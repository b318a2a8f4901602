import type { EngineOptions } from './messages.ts'
import { toAddress } from './to-address.ts'

/** What an engine is made with, from a widget's attributes. An attribute that was taken away is null. */
export function toEngineOptions(
  { task, model, endpoint, privacy }: { readonly [K in keyof EngineOptions]: EngineOptions[K] | null },
  defaultTask: string,
): EngineOptions {
  return {
    task: task || defaultTask,
    ...(model ? { model } : {}),
    ...(endpoint ? { endpoint: toAddress('endpoint', endpoint).href } : {}),
    ...(privacy ? { privacy } : {}),
  }
}
