import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'

/** Tabs that speak the same way hear each other. */
const channelName = 'hither-models/1'

const changeSchema = object({ models: v.nullable(v.array(v.string())) })

/** Tells the tabs of this origin which models were added, replaced or removed, so that none goes on with what it knew. */
export interface ModelChanges {
  /** Tells this tab's listeners and all other tabs. @param models their names; undefined: it may be any */
  tell(models: readonly string[] | undefined): void
  /** @param isOwn this tab itself made the change */
  on(listener: (models: readonly string[] | undefined, isOwn: boolean) => void): void
  /** Begins to hear the other tabs. */
  listen(): void
  close(): void
}

export function createModelChanges(name = channelName): ModelChanges {
  const listeners: ((models: readonly string[] | undefined, isOwn: boolean) => void)[] = []
  let channel: BroadcastChannel | undefined
  let isClosed = false

  const emit = (models: readonly string[] | undefined, isOwn: boolean) => {
    for (const listener of listeners) listener(models, isOwn)
  }
  const listen = () => {
    // Without it each tab learns of a change when its kept manifests have aged.
    if (isClosed || channel !== undefined || typeof BroadcastChannel === 'undefined') return
    channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      const change = v.safeParse(changeSchema, data)
      if (change.success) emit(change.output.models ?? undefined, false)
    }
  }

  return {
    tell(models) {
      listen()
      channel?.postMessage({ models: models === undefined ? null : [...models] })
      emit(models, true)
    },
    on: (listener) => void listeners.push(listener),
    listen,
    close() {
      isClosed = true
      channel?.close()
      channel = undefined
    },
  }
}
