import { CapabilityError } from '../errors/capability-error.ts'

/** What runs a request or explains how it would run, fetched with the first one. */
export async function loadAnswering() {
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
}
