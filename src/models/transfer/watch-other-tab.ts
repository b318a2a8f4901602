import type { ModelFile } from '../../contracts/manifest.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'

/** Often enough to look alive. */
const everyMs = 500

/**
 * While another tab downloads a file, this one sees how far it is by the chunks that it
 * stores. Their bytes are not read, only their sizes.
 */
export function watchOtherTab(file: ModelFile, chunks: ChunkStore, onBytes: (bytes: number) => void) {
  let largest = 0
  let isStopped = false
  const look = async () => {
    const bytes = await chunks.bytesOf(file.sha256)
    if (isStopped || bytes <= largest) return
    largest = bytes
    onBytes(Math.min(bytes, file.bytes))
  }
  const timer = setInterval(() => void look().catch(() => {}), everyMs)
  return {
    stop() {
      isStopped = true
      clearInterval(timer)
    },
  }
}
