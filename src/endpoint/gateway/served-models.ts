import type { CloudArm } from '../../cloud/create-cloud-arm.ts'
import type { ModelDescription } from '../../cloud/describe-model.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { holdValues } from '../../utils/held-value.ts'
import type { ServedModel } from '../engine/infer-engine.ts'
import type { Upstream } from './upstreams/upstream.ts'

const missing = (name: string, version: string | undefined) =>
  new CloudError(
    'cloud-model-missing',
    `No upstream has ${version === undefined ? '' : `version ${version.slice(0, 100)} of `}the model ${name.slice(0, 100)}.`,
  )

/** The versions' order is not the protocol's: Hither's first one answers, Triton's highest. */
function answering(versions: readonly string[], isHither: boolean): string {
  if (isHither) return versions[0] ?? ''
  return [...versions].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0] ?? ''
}

/**
 * Asks upstreams for a model, all at once; the first that has it describes it.
 *
 * @throws {CloudError} `cloud-model-missing` when each has said that it has none; else `cloud-unreachable`
 */
export async function findServedModel(
  upstreams: readonly Upstream[],
  name: string,
  version: string | undefined,
): Promise<ServedModel> {
  let failure: unknown
  const found = await Promise.any(
    upstreams.map(async (upstream) => {
      try {
        const description = await upstream.describe(name)
        const facts = description === undefined ? undefined : await upstream.arm.facts()
        if (description !== undefined && (version === undefined || description.versions.includes(version))) {
          return { description, isHither: facts?.kind === 'hither' }
        }
      } catch (error) {
        failure = error
      }
      throw failure ?? missing(name, version)
    }),
  ).catch(() => undefined)
  if (found !== undefined)
    return toServed(found.description, version ?? answering(found.description.versions, found.isHither))
  if (failure === undefined && upstreams.length > 0) throw missing(name, version)
  throw new CloudError('cloud-unreachable', 'No upstream could be asked for this model; try again in a moment.', {
    cause: failure,
  })
}

const toServed = ({ name, platform, inputs, outputs }: ModelDescription, version: string): ServedModel => ({
  name,
  version,
  platform,
  inputs,
  outputs,
})

/** All models that the upstreams list, each name and version once; ready where one upstream says so. */
export async function listServedModels(
  upstreams: readonly { readonly arm: CloudArm }[],
): Promise<readonly ServedModel[]> {
  const lists = await Promise.all(upstreams.map(({ arm }) => arm.list().catch(() => undefined)))
  const models = new Map<string, ServedModel>()
  for (const { name, version, ready } of lists.flatMap((list) => list ?? [])) {
    const key = `${name}\n${version}`
    const known = models.get(key)
    if (known !== undefined && known.unavailable === undefined) continue
    const unavailable = ready ? {} : { unavailable: `The model ${name} is not loaded at any upstream.` }
    models.set(key, { name, version, platform: '', inputs: [], outputs: [], ...unavailable })
  }
  return [...models.values()]
}

/** Milliseconds that an upstream's list is waited for where somebody asks whether the gateway is ready, and held. */
const listMs = 1_000

/**
 * Tells whether one of the upstreams lists a model that is ready: Triton and others are ready without any. One that has
 * no list, or can't give it now, is believed.
 */
export function createServes(usable: () => readonly Upstream[], now: () => number): () => Promise<boolean> {
  const lists = holdValues({
    load: ({ arm }: Upstream) => arm.list({ signal: AbortSignal.timeout(listMs) }).catch(() => undefined),
    holdMs: listMs,
    now,
  })
  return async () => {
    const each = await Promise.all(usable().map(lists.get))
    return each.some((list) => list?.some(({ ready }) => ready) ?? true)
  }
}
