import type { NetworkWatcher } from './network-watcher.ts'

/** A watcher that says what is pretended, and otherwise what the browser says. */
export function pretendWatcher(
  watcher: NetworkWatcher,
  { offline, saveData }: { readonly offline: boolean; readonly saveData: boolean },
): NetworkWatcher {
  return {
    get online() {
      return watcher.online && !offline
    },
    get saveData() {
      return watcher.saveData || saveData
    },
    connection: watcher.connection,
    onChange: (listener) =>
      watcher.onChange((change) =>
        listener({ ...change, online: change.online && !offline, saveData: change.saveData || saveData }),
      ),
  }
}
