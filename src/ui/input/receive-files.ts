/** What a person gave the page: files, or something that is none. */
export interface FileListeners {
  /** At least one. `over`: what the pointer or the focus was on, the innermost first. */
  readonly onFiles: (files: readonly File[], over: readonly EventTarget[]) => void
  readonly onNoFile: () => void
  /** A drag came over the page, or left it. */
  readonly onDragging: (dragging: boolean) => void
}

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false

/** Makes the whole page take dropped and pasted files; returns a function that stops it. */
export function receiveFiles(target: Window, { onFiles, onNoFile, onDragging }: FileListeners): () => void {
  const stop = new AbortController()
  const { signal } = stop
  // Entering a child fires before leaving its parent, so the drag has left when as many leaves as enters were seen.
  let depth = 0
  const setDepth = (next: number) => {
    if (next > 0 !== depth > 0) onDragging(next > 0)
    depth = next
  }
  target.addEventListener('dragenter', (event) => carriesFiles(event) && setDepth(depth + 1), { signal })
  target.addEventListener('dragleave', (event) => carriesFiles(event) && setDepth(Math.max(0, depth - 1)), { signal })
  // Without this the browser would leave the page for the dropped file.
  target.addEventListener('dragover', (event) => event.preventDefault(), { signal })
  target.addEventListener(
    'drop',
    (event) => {
      event.preventDefault()
      setDepth(0)
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length > 0) onFiles(files, event.composedPath())
      else onNoFile()
    },
    { signal },
  )
  target.addEventListener(
    'paste',
    (event) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length > 0) onFiles(files, event.composedPath())
    },
    { signal },
  )
  return () => stop.abort()
}
