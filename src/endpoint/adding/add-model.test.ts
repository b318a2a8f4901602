import { once } from 'node:events'
import { access, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { randomDecoder } from '../../testing/random-decoder.ts'
import { changeModels } from '../cli/models-command.ts'
import { loadModels } from '../model-folder/load-models.ts'

const { bytes } = randomDecoder({ architecture: 'llama', format: 'Q4_0', tableFormat: 'Q8_0' })

let dir: string
let models: string
let gguf: string
const servers: Server[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-adding-'))
  models = join(dir, 'models')
  gguf = join(dir, 'Tiny Model.gguf')
  await writeFile(gguf, bytes)
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
  await rm(dir, { recursive: true })
})

const add = (args: readonly string[], options: { signal?: AbortSignal; say?: (sentence: string) => void } = {}) =>
  changeModels(['add', ...args], { signal: new AbortController().signal, say: () => {}, ...options })
const states = async () =>
  (await loadModels(models)).records.map(({ name, revision, state }) => [
    name,
    revision,
    state.status === 'refused' ? state.reason : state.status,
  ])
const manifestOf = async (name: string) => JSON.parse(await readFile(join(models, name, '1', 'manifest.json'), 'utf8'))
const entries = async () => (await readdir(models).catch(() => [])).sort()

async function serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer as never).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/Model.gguf?download=true`
}

test('a GGUF file becomes a model that the endpoint serves', async () => {
  const said = await add([gguf, '--models', models])
  expect(said).toContain('14 matrices of Q4_0 are rounded to 8 bits.')
  expect(await states()).toEqual([['Tiny-Model', '1', 'ready']])
  const manifest = await manifestOf('Tiny-Model')
  expect(manifest).toMatchObject({
    title: 'Random llama',
    task: 'text-generation',
    graph: 'onnx/model_quantized.onnx',
    precision: 'int8',
    requires: { backends: ['wasm'] },
    generation: { tokenizer: 'tokenizer.json', vocabulary: 300, contextTokens: 128, ends: [257] },
  })
  expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual([
    'onnx/model_quantized.onnx',
    'tokenizer.json',
    'tokenizer_config.json',
  ])
  // What other programs that know the hub's layout read.
  await access(join(models, 'Tiny-Model', '1', 'config.json'))
  expect(await entries()).toEqual(['Tiny-Model'])
})

test('the name and the form can be chosen', async () => {
  const said = await add([gguf, '--models', models, '--name', 'other', '--precision', 'q4'])
  expect(said).toContain('14 matrices of Q4_0 are kept exactly, as 4 bits.')
  expect(said).toContain('It has no chat template')
  expect(await manifestOf('other')).toMatchObject({ graph: 'onnx/model_q4.onnx', precision: 'int4' })
})

test('8 bits come in a form of their own, or for other programs, too', async () => {
  await add([gguf, '--models', models, '--name', 'own'])
  await add([gguf, '--models', models, '--name', 'shared', '--hub'])
  const outputsOf = async (name: string) => {
    const { outputs, state } = await manifestOf(name)
    return [outputs.map((output: { name: string }) => output.name.split('.')[0]), state?.length]
  }
  expect(await outputsOf('own')).toEqual([['logits', ...Array(4).fill('new')], undefined])
  expect(await outputsOf('shared')).toEqual([['logits', ...Array(4).fill('present')], 4])
})

test('a folder with a catalogue lists it, and counts on; what the catalogue says besides stays', async () => {
  await mkdir(models)
  const catalogue = { format: 1, serial: 4, models: [], withdrawn: [{ name: 'a', revision: '1' }], note: 'mine' }
  await writeFile(join(models, 'catalog.json'), JSON.stringify(catalogue))
  expect(await add([gguf, '--models', models])).toContain('and in its catalogue')
  expect(JSON.parse(await readFile(join(models, 'catalog.json'), 'utf8'))).toEqual({
    ...catalogue,
    serial: 5,
    models: [{ name: 'Tiny-Model', revision: '1', manifest: 'Tiny-Model/1/manifest.json' }],
  })
  expect(await states()).toEqual([['Tiny-Model', '1', 'ready']])
})

test('it is fetched from an address, too', async () => {
  const address = await serve((_, response) => response.setHeader('content-length', bytes.length).end(bytes))
  const said: string[] = []
  await add([address, '--models', models], { say: (sentence) => said.push(sentence) })
  expect(await states()).toEqual([['Model', '1', 'ready']])
  expect(said.join(' ')).toMatch(/MB are here/)
  expect(await readdir(join(models, 'Model', '1'))).not.toContain('fetched.gguf')
})

describe('what does not work leaves nothing behind', () => {
  test.each([
    ['a file that is not there', () => join(dir, 'nothing.gguf'), 'config-invalid', /not there/],
    ['a folder', () => dir, 'config-invalid', /no file/],
  ])('%s', async (_, path, code, message) => {
    await expect(add([path(), '--models', models])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(await entries()).toEqual([])
  })

  test.each([
    ['a file that ends in the middle of its weights', bytes.slice(0, bytes.length - 50_000), 'gguf-unreadable'],
    ['something else', new TextEncoder().encode('<!doctype html>'), 'gguf-unreadable'],
  ])('%s', async (_, content, code) => {
    await writeFile(gguf, content)
    await expect(add([gguf, '--models', models])).rejects.toMatchObject({ name: 'ModelError', code })
    expect(await entries()).toEqual([])
  })

  test('a server that breaks off, or has no such file', async () => {
    const cut = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.slice(0, 1000), () => response.destroy())
    })
    const none = await serve((_, response) => response.writeHead(404).end())
    for (const address of [cut, none]) {
      await expect(add([address, '--models', models])).rejects.toMatchObject({ code: 'download-failed' })
      expect(await entries()).toEqual([])
    }
  })

  test('a stop in the middle of a download, and of writing', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    const address = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.slice(0, 1000), () => controller.abort(reason))
    })
    await expect(add([address, '--models', models], { signal: controller.signal })).rejects.toBe(reason)
    expect(await entries()).toEqual([])

    const second = new AbortController()
    const say = () => second.abort(reason)
    await expect(add([gguf, '--models', models], { signal: second.signal, say })).rejects.toBe(reason)
    expect(await entries()).toEqual([])
  })

  test('a catalogue that is none', async () => {
    await mkdir(models)
    await writeFile(join(models, 'catalog.json'), '{"format":1}')
    await expect(add([gguf, '--models', models])).rejects.toMatchObject({ code: 'catalog-unavailable' })
    expect(await entries()).toEqual(['catalog.json'])
  })
})

test('a model that is there is not replaced', async () => {
  await add([gguf, '--models', models])
  const before = await manifestOf('Tiny-Model')
  await expect(add([gguf, '--models', models, '--precision', 'q4'])).rejects.toMatchObject({
    name: 'ValidationError',
    code: 'model-exists',
  })
  expect(await manifestOf('Tiny-Model')).toEqual(before)
  expect(await entries()).toEqual(['Tiny-Model'])
})

test('what a killed run left is no model, and is gone with the next one', async () => {
  const left = join(models, '.adding-1-x')
  await mkdir(join(left, 'onnx'), { recursive: true })
  await writeFile(join(left, 'manifest.json'), '{}')
  expect(await states()).toEqual([])
  await utimes(left, new Date(0), new Date(0))
  await add([gguf, '--models', models])
  expect(await entries()).toEqual(['Tiny-Model'])
})

test.each([
  [['sub'], /no command "models sub"/],
  [['add'], /Name the .gguf file/],
  [['add', 'a', 'b'], /one word too many/],
  [['add', 'a', '--precision', 'q2'], /--precision is q2/],
  [['add', 'a', '--name', '../b'], /--name is/],
  [['add', 'a', '--models', ''], /--models is empty/],
  [['add', 'a', '--what'], /--what/],
])('a command line that says nothing is told what is wrong: %j', async (args, message) => {
  await expect(changeModels(args, { signal: new AbortController().signal, say: () => {} })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(message),
  })
})
