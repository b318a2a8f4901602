import { expect, test } from 'vitest'
import { encodePath, toFilePath } from './file-path.ts'
import { fileUrlsOf } from './file-urls.ts'

test.each([
  ['w.bin', 'w.bin'],
  ['权重.onnx.data', '权重.onnx.data'],
  ['my weights (1).bin', 'my weights (1).bin'],
  ['parts/w.bin', 'parts/w.bin'],
  ['parts\\w.bin', 'parts/w.bin'],
  ['.\\parts\\\\w.bin', 'parts/w.bin'],
  ['./w.bin', 'w.bin'],
  ['parts//./w.bin', 'parts/w.bin'],
  ['parts/../w.bin', 'w.bin'],
  ['../../w.bin', 'w.bin'],
  ['C:\\models\\w.bin', 'models/w.bin'],
  ['..', ''],
])('a graph that names %j means the file %j', (location, path) => {
  expect(toFilePath(location)).toBe(path)
})

test.each([
  ['layer#1.bin', 'https://m.test/a/layer%231.bin'],
  ['100%.bin', 'https://m.test/a/100%25.bin'],
  ['what?.bin', 'https://m.test/a/what%3F.bin'],
  ['权重 (1)/w.bin', 'https://m.test/a/%E6%9D%83%E9%87%8D%20(1)/w.bin'],
  ['plain-1_2.onnx_data', 'https://m.test/a/plain-1_2.onnx_data'],
])('%s has an address of its own beside the manifest', (path, url) => {
  expect(fileUrlsOf({ path }, 'https://m.test/a/manifest.json')).toEqual([url])
  expect(decodeURIComponent(encodePath(path))).toBe(path)
})
