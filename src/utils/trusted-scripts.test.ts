import { afterEach, describe, expect, it, vi } from 'vitest'
import { startApproved } from './trusted-scripts.ts'

afterEach(() => vi.unstubAllGlobals())

const worker = {} as Worker

/** A page with Trusted Types, as browsers have them: without a default policy, a plain address is refused. */
function page(allowed = true) {
  const state: { defaultPolicy: { createScriptURL(url: string): string | null } | null } = { defaultPolicy: null }
  vi.stubGlobal('document', { baseURI: 'https://site.example/page' })
  vi.stubGlobal('location', { origin: 'https://site.example' })
  vi.stubGlobal('trustedTypes', {
    get defaultPolicy() {
      return state.defaultPolicy
    },
    createPolicy(_: string, rules: { createScriptURL(url: string): string | null }) {
      if (!allowed) throw new TypeError('not in the list of policies')
      state.defaultPolicy = rules
    },
  })
  return (url: string) => () => {
    if (state.defaultPolicy === null) throw new TypeError('This document requires TrustedScriptURL.')
    if (state.defaultPolicy.createScriptURL(url) === null) throw new TypeError('refused by the default policy')
    return worker
  }
}

describe('startApproved', () => {
  it('starts a worker of the page’s own origin under Trusted Types, and no other', () => {
    const start = page()
    expect(startApproved(start('/assets/edge.worker.js'))).toBe(worker)
    expect(() => startApproved(start('https://elsewhere.example/a.js'))).toThrow('refused by the default policy')
  })

  it('says which policy is missing where the page allows none of that name', () => {
    expect(() => startApproved(page(false)('/a.js'))).toThrow('not in the list of policies')
  })

  it('changes nothing where there are no Trusted Types', () => {
    expect(startApproved(() => worker)).toBe(worker)
    const refused = new TypeError('no workers here')
    expect(() =>
      startApproved(() => {
        throw refused
      }),
    ).toThrow(refused)
  })
})
