import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeFile } from './describe-file.ts'

const newHash = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest('hex') }
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a file is described the same, however its bytes come', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }), (pieces) => {
      const description = describeFile('a', { newHash, chunkBytes: 8 })
      for (const piece of pieces) description.take(piece)
      const bytes = Buffer.concat(pieces)
      const chunks = Array.from({ length: Math.ceil(bytes.length / 8) }, (_, at) =>
        sha256(bytes.subarray(8 * at, 8 * at + 8)),
      )
      expect(description.whole()).toEqual({
        path: 'a',
        bytes: bytes.length,
        sha256: sha256(bytes),
        ...(chunks.length > 1 ? { chunks: { bytes: 8, sha256: chunks } } : {}),
      })
    }),
  )
})
