/** Name of the background sync that sends reports. */
export const reportSyncTag = 'hither-outbox'

interface SyncRegistration {
  readonly sync?: { register(tag: string): Promise<void> }
}

/** Asks the browser to wake this page's service worker when the network is back, where it can. Never rejects. */
export async function registerReportSync(
  container: Pick<ServiceWorkerContainer, 'getRegistration'> | undefined = globalThis.navigator?.serviceWorker,
): Promise<void> {
  try {
    const registration = (await container?.getRegistration()) as SyncRegistration | undefined
    await registration?.sync?.register(reportSyncTag)
  } catch {
    // Not allowed, or not in this browser: a page sends what waits.
  }
}
