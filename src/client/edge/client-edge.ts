import { createCrashMarks } from '../../edge/crash-marks.ts'
import { createEdge } from '../../edge/create-edge.ts'
import type { EdgeEngine, EdgeEvents } from '../../edge/edge-types.ts'
import { createSharedEdge } from '../../edge/tabs/shared-edge.ts'
import type { Background } from '../background/create-background.ts'
import { defaultBackends } from '../options/default-backends.ts'
import type { RuntimeOptions } from '../types/client-options.ts'

/** Tabs that speak the same way share an engine; one of another release leads its own. */
const sharedName = 'hither-edge/2'

/** The client's engine: shared with the other tabs of the origin that ask for the same runtime, unless the site opts out. */
export function createClientEdge(
  runtime: RuntimeOptions,
  options: EdgeEvents & { readonly startWorker: () => Worker; readonly background: Background },
): EdgeEngine {
  const { startWorker, background, ...events } = options
  const { backends = defaultBackends, threads, memoryBytes, shareTabs = true } = runtime
  const createOwn = (own: EdgeEvents) =>
    createEdge({
      ...own,
      startWorker,
      measures: background,
      backends,
      threads,
      memoryBytes,
      memory: {
        read: () => background.readRecord('device'),
        write: (value) => background.writeRecord('device', value),
      },
      // Read when this tab comes to lead: only then are the marks of others those of tabs that have ended.
      marks: createCrashMarks(),
    })
  if (!shareTabs) return createOwn(events)
  const name = [sharedName, [...backends].sort().join('+'), threads ?? 'any', memoryBytes ?? 'any'].join('/')
  return createSharedEdge({
    name,
    createOwn,
    readFiles: (manifest) => background.readFiles(manifest.name, manifest.revision),
    ...events,
  })
}
