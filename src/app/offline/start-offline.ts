import type { App } from '../state/app.ts'
import { receiveGivenFiles } from './given-files.ts'
import { keepOffline } from './keep-offline.ts'
import { watchUpdates } from './updates.ts'

/** What an installed app needs and a page that is just shown does not: fetched once the first page is shown. */
export function startOffline(
  app: App,
  {
    onFiles,
    onNewVersion,
  }: {
    /** A file was shared with the app, or opened with it. */
    readonly onFiles: (files: readonly File[]) => void
    /** A new version waits; `take` has it take over. */
    readonly onNewVersion: (take: () => void) => void
  },
): void {
  keepOffline(app)
  watchUpdates(app, onNewVersion)
  receiveGivenFiles(onFiles).catch(() => {})
}
