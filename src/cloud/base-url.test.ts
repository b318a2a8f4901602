import { describe, expect, it } from 'vitest'
import { toBaseUrl } from './base-url.ts'

describe('toBaseUrl', () => {
  it.each([
    ['https://infer.example.com', 'https://infer.example.com'],
    ['https://infer.example.com/', 'https://infer.example.com'],
    ['http://localhost:8420/api//', 'http://localhost:8420/api'],
    [new URL('https://infer.example.com'), 'https://infer.example.com'],
    ['/', ''],
    ['', ''],
    ['/api/', '/api'],
  ])('of %s is %s', (url, expected) => {
    expect(toBaseUrl(url)).toBe(expected)
  })

  it.each([
    'ftp://example.com',
    'javascript:alert(1)',
    'https://',
    'https://user:secret@example.com',
    'https://example.com/?key=1',
    'https://example.com/#x',
    'example.com',
  ])('refuses %s', (url) => {
    expect(() => toBaseUrl(url)).toThrow(expect.objectContaining({ code: 'config-invalid' }))
  })
})
