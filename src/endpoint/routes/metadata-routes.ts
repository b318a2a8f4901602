import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TensorSpec } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { type Capacity, capacityPath } from '../../protocol/server/capacity.ts'
import { type ModelMetadata, type ServerMetadata, serverExtensions } from '../../protocol/server/metadata.ts'
import { toDatatype } from '../../protocol/tensors/datatypes.ts'
import type { ServedModel } from '../engine/infer-engine.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'
import { inferScope } from '../security/scopes.ts'

interface ModelRoute {
  Params: { readonly model: string; readonly version?: string }
}

/** Health, server and model metadata of the Open Inference Protocol v2, and the capacity. A model's version is its revision. */
export function addMetadataRoutes(app: FastifyInstance, context: PluginContext): void {
  const { engine, access, version, isDraining } = context
  const server: ServerMetadata = { name: 'hither', version, extensions: [...serverExtensions] }

  app.addHook('onRequest', async (_, reply) => {
    reply.header('Cache-Control', 'no-store')
  })
  app.get('/v2', async () => server)
  app.get('/v2/health/live', async () => ({ live: true }))
  app.get('/v2/health/ready', async (_, reply) => {
    const ready = engine.ready && !isDraining() && ((await engine.serves?.()) ?? true)
    return reply.code(ready ? 200 : 503).send({ ready })
  })

  const anyToken = access.requires(undefined, { unguarded: 'open' })
  app.get(capacityPath, { onRequest: anyToken }, async (): Promise<Capacity> => {
    return { format: 1, draining: isDraining(), ...(await engine.capacity()) }
  })

  const ofModel = access.requires(({ params }: FastifyRequest) => inferScope((params as ModelRoute['Params']).model), {
    unguarded: 'open',
  })
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, { onRequest: ofModel }, async ({ params }) => {
      const model = await engine.find(params.model, params.version)
      if (model.inputs.length === 0 && model.unavailable !== undefined) throw notReady(model)
      const { name, platform, inputs, outputs } = model
      const versions = (await engine.models()).filter((each) => each.name === name).map((each) => each.version)
      const metadata: ModelMetadata = {
        name,
        versions: versions.filter((each) => each !== ''),
        platform,
        inputs: inputs.map(toWireSpec),
        outputs: outputs.map(toWireSpec),
      }
      return metadata
    })
    app.get<ModelRoute>(`${path}/ready`, { onRequest: ofModel }, async ({ params }, reply) => {
      const { name, unavailable } = await engine.find(params.model, params.version)
      if (unavailable === undefined) return { name, ready: true }
      return reply.code(503).send({ name, ready: false, error: unavailable })
    })
  }
}

const notReady = ({ unavailable = 'The model is not ready.' }: ServedModel) =>
  new CloudError('cloud-overloaded', unavailable)

/** The protocol has no word for any number of dimensions; one of any size comes nearest. */
const toWireSpec = ({ name, type, shape = [-1] }: TensorSpec) => ({
  name,
  datatype: toDatatype(type),
  shape: [...shape],
})
