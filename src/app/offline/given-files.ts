import { takeShared } from './share-target.ts'

interface LaunchQueue {
  setConsumer(consumer: (params: { readonly files?: readonly FileSystemFileHandle[] }) => void): void
}

/** Files that come from the system: shared with the installed app, or opened with it. */
export async function receiveGivenFiles(onFiles: (files: readonly File[]) => void): Promise<void> {
  const { launchQueue } = globalThis as { readonly launchQueue?: LaunchQueue }
  launchQueue?.setConsumer(({ files = [] }) => {
    // One that can't be opened does not keep the others from coming.
    void Promise.all(files.map((handle) => handle.getFile().catch(() => undefined))).then((opened) => {
      const there = opened.filter((file) => file !== undefined)
      if (there.length > 0) onFiles(there)
    })
  })
  const address = new URL(location.href)
  if (!address.searchParams.has('shared')) return
  address.searchParams.delete('shared')
  history.replaceState(null, '', address)
  const file = await takeShared(document.baseURI)
  if (file) onFiles([file])
}
