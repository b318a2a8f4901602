import { describe, expect, it, vi } from 'vitest'
import type { RunResult } from '../client/types.ts'
import { ModelError } from '../errors/model-error.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { createFakeClient, fakeModel, fakeResult, fakeRoute } from '../testing/fake-client.ts'
import { createSession } from './session.ts'

const picture = new Blob(['x'])
const settle = () => new Promise((resolve) => setTimeout(resolve))

describe('session', () => {
  it('shows an answer, its route, and counts the run', async () => {
    const client = createFakeClient({ run: async () => fakeResult(3) })
    const session = createSession(client, 'prefer-edge')
    const seen: string[] = []
    session.subscribe(() => seen.push(session.state.status))
    expect(await session.recognise(picture)).toBeUndefined()
    expect(session.state).toMatchObject({ status: 'done', runs: 1, answer: { label: '3' }, route: { ran: 'edge' } })
    expect(session.state.routes).toHaveLength(1)
    expect(seen[0]).toBe('running')
    expect(client.runs[0]?.privacy).toBe('prefer-edge')
  })

  it('shows an error as its sentence, and the next run works', async () => {
    const run = vi
      .fn<() => Promise<RunResult>>()
      .mockRejectedValueOnce(new ValidationError('picture-empty', 'There is nothing drawn here yet.'))
      .mockResolvedValueOnce(fakeResult(5))
    const session = createSession(createFakeClient({ run }))
    expect(await session.recognise(picture)).toMatchObject({ code: 'picture-empty' })
    expect(session.state).toMatchObject({
      status: 'error',
      runs: 1,
      problem: { message: 'There is nothing drawn here yet.' },
    })
    await session.recognise(picture)
    expect(session.state).toMatchObject({ status: 'done', runs: 2, problem: undefined })
  })

  it('aborts a run that a newer picture overtakes, and shows only the newer answer', async () => {
    const pending: ((result: RunResult) => void)[] = []
    const client = createFakeClient({ run: () => new Promise((resolve) => pending.push(resolve)) })
    const session = createSession(client)
    const first = session.recognise(picture)
    const second = session.recognise(picture)
    expect(client.runs.map(({ signal }) => signal?.aborted)).toEqual([true, false])
    pending[1]?.(fakeResult(2))
    pending[0]?.(fakeResult(1))
    await Promise.all([first, second])
    expect(session.state).toMatchObject({ status: 'done', runs: 1, answer: { label: '2' } })
  })

  it('does not show the error of a run that was given up', async () => {
    const client = createFakeClient({
      run: (_, { signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    })
    const session = createSession(client)
    const run = session.recognise(picture)
    session.cancel()
    await run
    expect(session.state).toMatchObject({ status: 'idle', runs: 0, problem: undefined })
  })

  it('prepares the model at the start', async () => {
    const client = createFakeClient()
    const session = createSession(client)
    await session.start()
    expect(client.prepared).toBe(1)
    expect(session.state.model?.name).toBe('digits')
  })

  it.each([
    ['the cloud alone may run', 'cloud-only', false],
    ['the person saves data', 'any', true],
  ] as const)('does not prepare the model where %s', async (_, privacy, saveData) => {
    const client = createFakeClient({ link: { online: true, saveData, samples: 0 } })
    await createSession(client, privacy).start()
    expect(client.prepared).toBe(0)
  })

  it('says what is wrong with the catalogue or the model, and tries again when asked', async () => {
    const list = vi
      .fn(async () => [fakeModel()])
      .mockRejectedValueOnce(new ModelError('catalog-unavailable', 'No catalogue.'))
    const client = createFakeClient({ list })
    const session = createSession(client)
    await session.start()
    expect(session.state.modelProblem).toEqual({ message: 'No catalogue.', code: 'catalog-unavailable' })
    await session.prepare()
    expect(session.state.modelProblem).toBeUndefined()
    expect(client.prepared).toBe(1)
  })

  it('follows the model, the device and the link', async () => {
    const client = createFakeClient()
    const session = createSession(client)
    await session.start()
    client.emit('progress', { model: 'digits', loadedBytes: 1, totalBytes: 4 })
    expect(session.state.model?.state.status).toBe('absent')
    client.emit('state', { model: 'digits', state: { status: 'downloading', loadedBytes: 0, totalBytes: 4 } })
    client.emit('state', { model: 'other', state: { status: 'absent' } })
    client.emit('progress', { model: 'digits', loadedBytes: 3, totalBytes: 4 })
    expect(session.state.model?.state).toEqual({ status: 'downloading', loadedBytes: 3, totalBytes: 4 })
    client.emit('link', { online: false, saveData: false, samples: 2, ageMs: 5 })
    await settle()
    expect(session.state.link.online).toBe(false)
    expect(session.state.explanation?.arm).toBe('edge')
  })

  it('keeps the last ten routes, the newest first', () => {
    const client = createFakeClient()
    const session = createSession(client)
    for (let i = 0; i < 12; i += 1) client.emit('route', fakeRoute({ id: `route-${i}` }))
    expect(session.state.routes.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => `route-${11 - i}`))
  })
})
