import Fastify from 'fastify'
import { expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createSecurityHeaders } from '../http/security-headers.ts'
import type { Models } from '../model-folder/load-models.ts'
import { createFileOrigins } from './file-origins.ts'

const at = async (...urls: string[]): Promise<Manifest> => {
  const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
  return { ...manifest, files: manifest.files.map((file) => ({ ...file, urls })) }
}
const modelsOf = (...manifests: Manifest[]): Models => ({
  catalog: { format: 1, models: [] },
  records: manifests.map((manifest) => ({
    name: manifest.name,
    revision: manifest.revision,
    manifest,
    state: { status: 'refused', reason: 'its files lie elsewhere', elsewhere: true },
  })),
})

test('the app may fetch a model from where its manifest says, and from nowhere else', async () => {
  let models: Models | undefined
  const app = Fastify()
  const headers = createSecurityHeaders(createFileOrigins(['https://infer.example.com'], () => models))
  app.addHook('onRequest', async (_, reply) => void reply.headers(headers()))
  app.get('/', async () => '')
  const allowed = async () => {
    const { headers } = await app.inject('/')
    return /connect-src ([^;]*);/.exec(String(headers['content-security-policy']))?.[1]
  }
  expect(await allowed()).toBe("'self' https://infer.example.com")
  const raw = await at('https://raw.example.com/a/model.onnx', 'https://mirror.example.com/model.onnx')
  const plain = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
  const variant = { name: 'half', files: (await at('https://half.example.com/h.onnx')).files, graph: 'model.onnx' }
  models = modelsOf(plain, raw, raw, { ...plain, variants: [variant] })
  expect(await allowed()).toBe(
    "'self' https://infer.example.com https://raw.example.com https://mirror.example.com https://half.example.com",
  )
  models = modelsOf(plain)
  expect(await allowed()).toBe("'self' https://infer.example.com")
  await app.close()
})
