import { describe, expect, it } from 'vitest'
import { createAppAddresses } from './app-addresses.ts'

describe.each(['https://a.example/', 'https://a.example/sub/'])('with the scope %s', (scope) => {
  const { isPage, isAsset, isShare } = createAppAddresses(scope)
  const at = (path: string) => new URL(path, scope)

  it.each(['', './', 'index.html', '?privacy=any', './?shared', '#/models', 'index.html?x=1#/device'])(
    'the page is at %j',
    (path) => {
      expect(isPage(at(path))).toBe(true)
    },
  )

  it.each([
    'metrics',
    'widget.js',
    'widget-frame.html',
    'service-worker.js',
    'models/catalog.json',
    '.well-known/hither-keys',
    'v2/health/ready',
    'ops/',
    'some/other/app',
    'some/index.html',
    'index',
    'assets/',
    'https://b.example/',
    'https://b.example/sub/',
    'https://a.example/sub',
    'https://a.example/subway/',
  ])('the page is not at %j', (path) => {
    expect(isPage(at(path))).toBe(false)
  })

  it('assets and shared files are its own, and not those of other apps of the origin', () => {
    expect(isAsset(at('assets/index-1.js'))).toBe(true)
    expect(isAsset(at('other/assets/index-1.js'))).toBe(false)
    expect(isAsset(new URL('https://b.example/assets/index-1.js'))).toBe(false)
    expect(isShare(at('share'))).toBe(true)
    expect(isShare(at('other/share'))).toBe(false)
  })
})

it('below a path, what lies beside it is not the app', () => {
  const { isPage, isAsset, isShare } = createAppAddresses('https://a.example/sub/')
  for (const path of ['/', '/index.html', '/share', '/assets/x.js', '/sub2/']) {
    const url = new URL(path, 'https://a.example')
    expect([isPage(url), isAsset(url), isShare(url)]).toEqual([false, false, false])
  }
})
