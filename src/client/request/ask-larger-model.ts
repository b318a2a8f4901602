import type { Manifest } from '../../contracts/manifest.ts'
import type { Privacy } from '../../contracts/route.ts'
import type { Background } from '../background/create-background.ts'
import { type Asked, askLarger, type LargerModel } from './cascade.ts'
import { typicalBytes } from './request-bytes.ts'
import type { RequestParts } from './request-context.ts'
import { takeSnapshot } from './take-snapshot.ts'

export { keptInTime } from './cascade.ts'

/** What the client has of a request whose small model has answered. */
interface LargerRequest {
  readonly parts: RequestParts
  readonly background: Pick<Background, 'manifest'>
  readonly privacy: Privacy
  readonly run: (manifest: Manifest) => Promise<Asked>
  readonly leftMs: () => number | undefined
}

/** The cascade, as the client runs it. @see askLarger */
export const askLargerModel = (small: Asked, request: LargerRequest): Promise<Asked> =>
  askLarger(small, { larger: largerModel(request), leftMs: request.leftMs })

function largerModel(about: LargerRequest): LargerModel {
  const { parts, background, privacy, run, leftMs } = about
  return {
    manifest: (name) => background.manifest(name),
    look: (manifest) => ({
      async large() {
        const { snapshot } = await takeSnapshot(parts, manifest, {
          privacy,
          deadlineMs: leftMs(),
          requestBytes: typicalBytes(manifest),
        })
        return parts.router.peek(snapshot)
      },
      async largeIsHere() {
        const { status } = await parts.edgeModels.state(manifest)
        return status === 'stored' || status === 'loading' || status === 'ready'
      },
    }),
    run,
    fetchAhead(manifest) {
      const { online, saveData } = parts.watcher
      // A model that is the cloud's comes here when it is asked to.
      if (manifest.defaultArm === 'cloud' && privacy !== 'prefer-edge') return
      if (!online || privacy === 'cloud-only' || (saveData && !parts.downloadOnMetered)) return
      void parts.edgeModels.prepare(manifest, { priority: 'background' }).catch(() => {})
    },
  }
}
