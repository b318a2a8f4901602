/** Typed events. A listener that throws does not keep the others from being called. */
export interface Emitter<Events extends object> {
  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void
  emit<K extends keyof Events>(event: K, value: Events[K]): void
  clear(): void
}

export function createEmitter<Events extends object>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(value: never) => void>>()
  return {
    on(event, listener) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set)
      set.add(listener)
      return () => set.delete(listener)
    },
    emit(event, value) {
      for (const listener of listeners.get(event) ?? []) {
        try {
          ;(listener as (value: unknown) => void)(value)
        } catch (error) {
          // Rethrown where the platform reports uncaught errors: it is the listener's fault, not the emitter's.
          queueMicrotask(() => {
            throw error
          })
        }
      }
    },
    clear() {
      listeners.clear()
    },
  }
}
