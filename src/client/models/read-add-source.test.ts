import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readArchive } from './model-archive.ts'
import { parseAddOptions, parseImportOptions } from './parse-add-options.ts'
import { readAddSource } from './read-add-source.ts'

const bytes = Uint8Array.of(8, 8, 58, 55)
const file = new File([bytes], 'a.onnx')

afterEach(() => vi.unstubAllGlobals())
const onPage = () => vi.stubGlobal('document', { baseURI: 'https://page.test/app/' })

/** A list as the file chooser gives it, which is no array. */
function fileList(...files: File[]) {
  return Object.assign(Object.create({ [Symbol.iterator]: () => files.values() }), { length: files.length })
}
const contentOf = async (source: unknown) => {
  const read = await readAddSource(source)
  if ('url' in read) return read.url
  return Promise.all(read.files.map(async ({ name, blob }) => [name, [...new Uint8Array(await blob.arrayBuffer())]]))
}
const content = [...bytes]
const detached = () => {
  const given = Uint8Array.of(1)
  structuredClone(given.buffer, { transfer: [given.buffer] })
  return given
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const throwing = () => {
  throw new DOMException('gone', 'NotFoundError')
}
/** What throws wherever it is touched. */
const unreadable: readonly [string, () => unknown][] = [
  ['bytes that were handed to another thread', detached],
  ['a buffer that was', () => detached().buffer],
  ['a proxy that was revoked', revoked],
  ['the handle of a file that has moved', () => ({ kind: 'file', getFile: async () => throwing() })],
  ['an object whose properties throw', () => Object.defineProperty({}, 'kind', { get: throwing })],
  ['a list whose walk throws', () => ({ [Symbol.iterator]: throwing })],
  ['a folder that may not be read', () => ({ kind: 'directory', values: throwing })],
]
const foreign: { view: Uint8Array; buffer: ArrayBuffer } = runInNewContext(
  '({ view: Uint8Array.of(0, 8, 8, 58, 55).subarray(1), buffer: Uint8Array.of(8, 8, 58, 55).buffer })',
)

describe('what holds a file is read', () => {
  test.each<[string, unknown, string]>([
    ['a File', file, 'a.onnx'],
    ['an array of one', [file], 'a.onnx'],
    ['a FileList', fileList(file), 'a.onnx'],
    ['a Blob without a name', new Blob([bytes]), ''],
    ['bytes', bytes, ''],
    ['a part of a buffer', Uint8Array.of(1, 8, 8, 58, 55, 2).subarray(1, 5), ''],
    ['a buffer', bytes.buffer, ''],
    ['a buffer that threads share', new Uint8Array(Object.assign(new SharedArrayBuffer(4))).fill(0).buffer, ''],
    ['bytes of another realm', foreign.view, ''],
    ['a buffer of another realm', foreign.buffer, ''],
    ['a DataView', new DataView(bytes.buffer), ''],
    ['a handle', { kind: 'file', getFile: async () => file }, 'a.onnx'],
    [
      'a file of a folder',
      Object.assign(new File([bytes], 'a.onnx'), { webkitRelativePath: 'net/a.onnx' }),
      'net/a.onnx',
    ],
    ['a data: address', 'data:application/octet-stream;base64,CAg6Nw==', ''],
    ['a data: address without base64', 'data:,%08%08%3A7', ''],
    ['a blob: address', URL.createObjectURL(new Blob([bytes])), ''],
  ])('%s', async (what, source, name) => {
    onPage()
    expect(await contentOf(source)).toEqual([[name, what.includes('threads') ? [0, 0, 0, 0] : content]])
  })

  test('several files, with their names', async () => {
    expect(await contentOf(fileList(file, new File([], 'w.bin')))).toEqual([
      ['a.onnx', content],
      ['w.bin', []],
    ])
  })
})

test.each<[unknown, string]>([
  ['https://m.test/a.onnx', 'https://m.test/a.onnx'],
  [' https://m.test/100%.onnx\n', 'https://m.test/100%.onnx'],
  [new URL('http://m.test/a.onnx'), 'http://m.test/a.onnx'],
  ['/models/a.onnx', 'https://page.test/models/a.onnx'],
  ['a.onnx', 'https://page.test/app/a.onnx'],
  [['https://m.test/a.onnx'], 'https://m.test/a.onnx'],
  [[new URL('https://m.test/a.onnx')], 'https://m.test/a.onnx'],
  [new String('https://m.test/a.onnx'), 'https://m.test/a.onnx'],
])('the address %j is %s', async (address, url) => {
  onPage()
  expect(await contentOf(address)).toBe(url)
})

test.each<[string, unknown, string, string]>([
  ['undefined', undefined, 'options-invalid', 'undefined is none of these'],
  ['null', null, 'options-invalid', 'null is none of these'],
  ['a number', 5, 'options-invalid', 'a number is none of these'],
  ['an object', { name: 'a.onnx' }, 'options-invalid', 'an object (Object) is none of these'],
  ['a response', new Response(), 'options-invalid', 'an object (Response) is none of these'],
  ['an empty list', [], 'options-invalid', 'the list is empty'],
  ['a list with a hole', [file, null], 'options-invalid', 'null is none of these'],
  [
    'two addresses',
    ['https://m.test/a.onnx', new URL('https://m.test/b.onnx')],
    'options-invalid',
    'one model at a time',
  ],
  ['no address', 'http://', 'address-invalid', '“http://” is no address'],
  ['an empty one', '  ', 'address-invalid', 'is no address'],
  ['one of another kind', 'ftp://x/y.onnx', 'address-invalid', 'begins with https://'],
  ['a file on disk', 'file:///y.onnx', 'address-invalid', 'or the file itself'],
  ['a script', 'javascript:alert(1)', 'address-invalid', 'cannot be fetched'],
  ['a broken data: address', 'data:;base64,%%%', 'address-invalid', 'Give the bytes themselves'],
  ['a blob: address that was given back', 'blob:https://page.test/1', 'address-invalid', 'Give the file itself'],
])('%s is a typed error that says what to give', async (_, source, code, words) => {
  onPage()
  const error = { name: 'ValidationError', code, message: expect.stringContaining(words) }
  await expect(readAddSource(source)).rejects.toMatchObject(error)
})

test('a password in an address is not fetched, and not repeated', async () => {
  const reading = readAddSource('https://me:secret@m.test/a.onnx')
  await expect(reading).rejects.toMatchObject({
    code: 'address-invalid',
    message: expect.stringContaining('storage.tokens'),
  })
  await expect(reading).rejects.not.toMatchObject({ message: expect.stringContaining('secret') })
})

test('options: each is checked and named; null is none', () => {
  expect(parseAddOptions(null)).toEqual({})
  expect(parseAddOptions({ name: 'a-1.b_c', title: '', precision: 'int8', onProgress: () => {} })).toMatchObject({})
  for (const [options, words] of [
    [{ name: '人脸' }, 'name: a model’s name has letters'],
    [{ name: 5 }, 'name'],
    [{ title: 5 }, 'title'],
    [{ precision: 'tiny' }, 'precision'],
    [{ onProgress: 'x' }, 'onProgress'],
    [{ nam: 'x' }, 'nam'],
    ['x', 'options'],
  ] as const) {
    const refusal = expect.objectContaining({ code: 'options-invalid', message: expect.stringContaining(words) })
    expect(() => parseAddOptions(options)).toThrow(refusal)
  }
  expect(() => parseImportOptions({ name: 'a b' })).toThrow(expect.objectContaining({ code: 'options-invalid' }))
})

test.each<[unknown, string, string]>([
  [null, 'options-invalid', 'null is neither'],
  ['a.zip', 'options-invalid', 'a string is neither'],
  [[file], 'options-invalid', 'an object (Array) is neither'],
  [file, 'import-invalid', 'models.add()'],
  [bytes, 'import-invalid', 'models.add()'],
  [{ kind: 'directory', values: async function* () {} }, 'import-invalid', 'no manifest.json'],
])('an import of %o is a typed error that says what to give', async (from, code, words) => {
  await expect(readArchive(from)).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
})

test.each(unreadable)('%s, which throws when it is read, is a typed error in both', async (_, make) => {
  const error = { name: 'ValidationError', code: 'options-invalid' }
  await expect(readAddSource(make())).rejects.toMatchObject(error)
  await expect(readAddSource([file, make()])).rejects.toMatchObject(error)
  await expect(readArchive(make())).rejects.toMatchObject(error)
})

test('a file of an import that cannot be read is named', async () => {
  const file = { kind: 'file', name: 'w.bin', getFile: throwing }
  const manifest = { kind: 'file', name: 'manifest.json', getFile: async () => new File(['{}'], 'manifest.json') }
  const [model] = await readArchive({
    kind: 'directory',
    values: async function* () {
      yield* [file, manifest]
    },
  })
  await expect(model?.files[0]?.open()).rejects.toMatchObject({
    code: 'import-invalid',
    message: expect.stringContaining('“w.bin”'),
  })
})
