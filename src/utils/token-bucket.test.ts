import { describe, expect, it } from 'vitest'
import { createTokenBucket } from './token-bucket.ts'

describe('createTokenBucket', () => {
  it('starts full, gets a share with each request, and never holds more than the most', () => {
    const bucket = createTokenBucket({ share: 0.25, most: 2 })
    expect(bucket.level).toBe(2)
    bucket.refill()
    expect(bucket.level).toBe(2)
    bucket.take()
    bucket.take()
    bucket.refill()
    expect(bucket.level).toBe(0.25)
    bucket.giveBack()
    expect(bucket.level).toBe(1.25)
    bucket.giveBack()
    expect(bucket.level).toBe(2)
  })
})
