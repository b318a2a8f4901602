import { CapabilityError } from '../../errors/capability-error.ts'
import { memoizeAsync } from '../../utils/memoize-async.ts'

/**
 * Fetches what runs a request or explains how it would run: with the first one, and not again. Asking the bundler's
 * loader takes a turn each time, also for what is there.
 *
 * @throws {CapabilityError} `worker-unavailable`: it can't be fetched now; the next call tries again
 */
export function createAnsweringLoader() {
  const load = memoizeAsync(async (_: 'answering') => {
    try {
      const [{ runRequest, whyNoManifest }, { explainRequest }, { toTensors }] = await Promise.all([
        import('./run-request.ts'),
        import('./explain-request.ts'),
        import('./to-tensors.ts'),
      ])
      return { runRequest, whyNoManifest, explainRequest, toTensors }
    } catch (cause) {
      throw new CapabilityError(
        'worker-unavailable',
        'A part of this page that runs requests could not be fetched. Reload the page, or try again once it is online.',
        { cause },
      )
    }
  })
  return () => load('answering')
}
