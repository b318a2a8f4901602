import { BlobWriter, TextReader, ZipWriter } from '@zip.js/zip.js'
import { expect, test } from 'vitest'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { exportToZip, pathsOf, readArchive, toPlainPath } from './model-archive.ts'

const weights = '权重 #1 (é).bin'
const manifest = await fakeManifest({ 'model.onnx': Uint8Array.of(1), [weights]: Uint8Array.of(2) }, { name: 'net' })

test('a model whose files have any letters in their names goes out as a .zip and comes back', async () => {
  const zip = await exportToZip(manifest, async (_, __, path) => Uint8Array.of(path === weights ? 2 : 1), undefined)
  const [model] = await readArchive(zip)
  expect(model?.manifest).toEqual(manifest)
  const files = await Promise.all(
    (model?.files ?? []).map(async ({ path, open }) => [path, new Uint8Array(await (await open()).arrayBuffer())[0]]),
  )
  expect(files).toEqual([
    ['model.onnx', 1],
    [weights, 2],
  ])
})

test('folders separated by backslashes, and letters as another system writes them', async () => {
  const writer = new ZipWriter(new BlobWriter('application/zip'), { level: 0 })
  await writer.add('net\\1\\parts\\model.onnx', new TextReader('graph'))
  await writer.add(`net\\1\\${weights.normalize('NFD')}`, new TextReader('weights'))
  await writer.add('net\\1\\manifest.json', new TextReader(JSON.stringify(manifest)))
  const [model] = await readArchive(await writer.close())
  const paths = model?.files.map(({ path }) => path) ?? []
  expect(paths).toEqual(['parts/model.onnx', weights.normalize('NFD')])
  expect(paths.map(toPlainPath).filter((path) => pathsOf(manifest).has(path))).toEqual([weights])
})
