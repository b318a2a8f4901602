import { takeShared } from './share-target.ts'

interface LaunchQueue {
  setConsumer(consumer: (params: { readonly files?: readonly FileSystemFileHandle[] }) => void): void
}

/** Files that come from the system: shared with the installed app, or opened with it. */
export async function receiveGivenFiles(onFile: (file: File) => void): Promise<void> {
  const { launchQueue } = globalThis as { readonly launchQueue?: LaunchQueue }
  launchQueue?.setConsumer(({ files = [] }) => {
    for (const handle of files) {
      handle
        .getFile()
        .then(onFile)
        .catch(() => {})
    }
  })
  const address = new URL(location.href)
  if (!address.searchParams.has('shared')) return
  address.searchParams.delete('shared')
  history.replaceState(null, '', address)
  const file = await takeShared()
  if (file) onFile(file)
}
