import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CloudArm } from '../cloud/create-cloud-arm.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { UpstreamFault } from './fake-upstream.ts'
import { until } from './until.ts'

/** An arm and the server behind it, which has one model, `copy`: its output `y` is its input `x`. */
export interface CloudArmUnderTest {
  readonly arm: CloudArm
  /** What requests for an inference get instead of an answer from now on. */
  fail(fault: UpstreamFault | undefined): void
  /** Inferences that wait at the server. */
  readonly held: number
  /** Lets go of them. */
  release(): void
  /** Inferences that reached the server. */
  readonly ran: number
  /** The server is gone from its address. */
  stop(): Promise<void>
  close(): Promise<void>
}

const x = (...values: number[]): TensorMap => ({
  x: { type: 'float32', dims: [values.length], data: Float32Array.from(values) },
})
const status = (code: number, headers?: Readonly<Record<string, string>>): UpstreamFault => ({
  kind: 'status',
  status: code,
  ...(headers === undefined ? {} : { headers }),
})

/** Each failure, its error code, and the context that the error carries. */
const failures: readonly (readonly [string, UpstreamFault, string, object])[] = [
  ['a request that is refused', status(400), 'cloud-refused', { status: 400 }],
  ['a token that is refused', status(401), 'cloud-unauthorized', { status: 401 }],
  ['a right that is missing', status(403), 'cloud-unauthorized', { status: 403 }],
  ['a model that is missing', status(404), 'cloud-model-missing', { status: 404 }],
  ['a request that is too large', status(413), 'cloud-too-large', { status: 413 }],
  ['too many requests', status(429, { 'Retry-After': '3' }), 'cloud-overloaded', { status: 429, retryAfterMs: 3000 }],
  ['an overload', status(503, { 'Retry-After': '2' }), 'cloud-overloaded', { status: 503, retryAfterMs: 2000 }],
  ['a failure', status(500), 'cloud-failed', { status: 500 }],
  ['a connection that ends before an answer', { kind: 'dies' }, 'cloud-unreachable', {}],
  ['a connection that ends within the answer', { kind: 'half' }, 'cloud-bad-response', {}],
]

/** The conformance suite of `CloudArm`: every arm, whatever server it speaks to, runs it. */
export function describeCloudArm(name: string, open: () => Promise<CloudArmUnderTest>): void {
  describe(`${name}, as any cloud arm,`, () => {
    let cloud: CloudArmUnderTest
    beforeAll(async () => {
      cloud = await open()
    })
    beforeEach(() => cloud.fail(undefined))
    afterAll(() => cloud?.close())

    it('gives outputs, times and sizes back', async () => {
      const { outputs, timing, requestBytes, responseBytes } = await cloud.arm.run('copy', x(1, 2, 3))
      expect(outputs).toEqual({ y: x(1, 2, 3).x })
      expect(timing.totalMs).toBeGreaterThanOrEqual(0)
      expect(requestBytes).toBeGreaterThan(12)
      expect(responseBytes).toBeGreaterThan(0)
    })

    it('gives each of many runs its own answer', async () => {
      const runs = Array.from({ length: 10 }, (_, index) => cloud.arm.run('copy', x(index), { id: String(index) }))
      const answers = await Promise.all(runs)
      expect(answers.map(({ outputs }) => outputs.y?.data[0])).toEqual(runs.map((_, index) => index))
    })

    it('knows which models there are', async () => {
      expect(await cloud.arm.hasModel('copy')).toBe(true)
      expect(await cloud.arm.hasModel('none')).toBe(false)
      await expect(cloud.arm.run('none', x(1))).rejects.toMatchObject({ code: 'cloud-model-missing' })
      expect((await cloud.arm.ping()).roundTripMs).toBeGreaterThanOrEqual(0)
    })

    it('sends nothing of a run that was aborted before it', async () => {
      const before = cloud.ran
      await expect(cloud.arm.run('copy', x(1), { signal: AbortSignal.abort('before') })).rejects.toBe('before')
      expect(cloud.ran).toBe(before)
    })

    it('ends a run with the reason of its abort', async () => {
      cloud.fail({ kind: 'waits' })
      const controller = new AbortController()
      const running = expect(cloud.arm.run('copy', x(1), { signal: controller.signal })).rejects.toBe('during')
      await until(() => cloud.held > 0)
      controller.abort('during')
      await running
      cloud.fail(undefined)
      cloud.release()
      expect((await cloud.arm.run('copy', x(4))).outputs).toEqual({ y: x(4).x })
    })

    it('ends a run at its timeout', async () => {
      cloud.fail({ kind: 'waits' })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const running = expect(cloud.arm.run('copy', x(1), { timeoutMs: 700 })).rejects.toMatchObject({
          name: 'CloudError',
          code: 'cloud-timeout',
          context: { timeoutMs: 700 },
        })
        vi.advanceTimersByTime(700)
        await running
      } finally {
        vi.useRealTimers()
        cloud.release()
      }
    })

    it.each(failures)('tells %s, and answers the next run', async (_, fault, code, context) => {
      cloud.fail(fault)
      await expect(cloud.arm.run('copy', x(1))).rejects.toMatchObject({ name: 'CloudError', code, context })
      cloud.fail(undefined)
      expect((await cloud.arm.run('copy', x(5))).outputs).toEqual({ y: x(5).x })
    })

    it('tells that the server is gone', async () => {
      await cloud.stop()
      await expect(cloud.arm.run('copy', x(1))).rejects.toMatchObject({ code: 'cloud-unreachable' })
      await expect(cloud.arm.ping()).rejects.toMatchObject({ code: 'cloud-unreachable' })
      await expect(cloud.arm.hasModel('copy')).rejects.toMatchObject({ code: 'cloud-unreachable' })
    })
  })
}
