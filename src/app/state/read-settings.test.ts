import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSettings } from './read-settings.ts'

const read = (query: string) => readSettings(new URLSearchParams(query))

describe('readSettings', () => {
  it('asks for nothing where the address does not', () => {
    expect(read('')).toEqual({ problems: [] })
    expect(read('unrelated=1')).toEqual({ problems: [] })
  })

  it('reads all four', () => {
    expect(read('privacy=edge-only&endpoint=https://a.example/b&backend=wasm,webgpu&deadline=250')).toEqual({
      privacy: 'edge-only',
      endpoint: 'https://a.example/b',
      backends: ['wasm', 'webgpu'],
      deadlineMs: 250,
      problems: [],
    })
  })

  it.each([
    'privacy=secret',
    'privacy=',
    'endpoint=javascript:1',
    'endpoint=x',
    'backend=wasm,cuda',
    'backend=',
    'deadline=0',
    'deadline=-1',
    'deadline=soon',
    'deadline=Infinity',
  ])('leaves out %s and says so', (query) => {
    const { problems, ...rest } = read(query)
    expect(rest).toEqual({})
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(query.split('=')[0])
  })

  it('keeps what is right beside what is wrong', () => {
    expect(read('privacy=no&deadline=20')).toMatchObject({ deadlineMs: 20, problems: [expect.any(String)] })
  })

  it('never throws', () => {
    const key = fc.constantFrom('privacy', 'endpoint', 'backend', 'deadline')
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.string())), (pairs) => {
        readSettings(new URLSearchParams(pairs))
      }),
    )
  })
})
