import type { FastifyInstance } from 'fastify'
import type { TensorSpec } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { toDatatype } from '../protocol/datatypes.ts'
import { binaryTensorExtension, type ModelMetadata, type ServerMetadata } from '../protocol/metadata.ts'
import { findModel } from './find-model.ts'
import type { ModelRecord } from './load-models.ts'

interface ModelRoute {
  Params: { readonly model: string; readonly version?: string }
}

/** Health, server and model metadata of the Open Inference Protocol v2. A model's version is its revision. */
export function addMetadataRoutes(
  app: FastifyInstance,
  options: { readonly records: readonly ModelRecord[]; readonly version: string; readonly isDraining: () => boolean },
): void {
  const { records, version, isDraining } = options
  const server: ServerMetadata = { name: 'hither', version, extensions: [binaryTensorExtension] }

  app.addHook('onRequest', async (_, reply) => {
    reply.header('Cache-Control', 'no-store')
  })
  app.get('/v2', async () => server)
  app.get('/v2/health/live', async () => ({ live: true }))
  app.get('/v2/health/ready', async (_, reply) => reply.code(isDraining() ? 503 : 200).send({ ready: !isDraining() }))

  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, async ({ params }) => {
      const model = findModel(records, params.model, params.version)
      if (model.manifest === undefined) throw notReady(model)
      const { name, inputs, outputs } = model.manifest
      const versions = records.filter((record) => record.name === name).map(({ revision }) => revision)
      const metadata: ModelMetadata = {
        name,
        versions,
        platform: 'onnx_onnxv1',
        inputs: inputs.map(toWireSpec),
        outputs: outputs.map(toWireSpec),
      }
      return metadata
    })
    app.get<ModelRoute>(`${path}/ready`, async ({ params }, reply) => {
      const model = findModel(records, params.model, params.version)
      if (model.state.status === 'ready') return { name: model.name, ready: true }
      return reply.code(503).send({ name: model.name, ready: false, error: model.state.reason })
    })
  }
}

const notReady = ({ state }: ModelRecord) =>
  new CloudError('cloud-overloaded', state.status === 'refused' ? state.reason : 'The model is not ready.')

const toWireSpec = ({ name, type, shape }: TensorSpec) => ({ name, datatype: toDatatype(type), shape: [...shape] })
