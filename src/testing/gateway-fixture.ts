import type { TensorMap } from '../contracts/tensor.ts'
import {
  createGatewayEngine,
  type GatewayEngine,
  type GatewayOptions,
} from '../endpoint/gateway/create-gateway-engine.ts'
import { type FakeUpstream, openFakeUpstream } from './fake-upstream.ts'

/** Gateways before fake upstreams, all of which `close` ends. */
export function createGatewayFixture() {
  const opened: FakeUpstream[] = []
  const engines: GatewayEngine[] = []
  return {
    async upstream(options?: Parameters<typeof openFakeUpstream>[0]): Promise<FakeUpstream> {
      const one = await openFakeUpstream(options)
      opened.push(one)
      return one
    },
    /** A gateway before these upstreams; its checks come often, so that a test need not wait for them. */
    async gateway(upstreams: readonly { readonly url: string }[], options: Partial<GatewayOptions> = {}) {
      const engine = await createGatewayEngine({
        upstreams: upstreams.map(({ url }) => url),
        checkEveryMs: 25,
        random: () => 0,
        ...options,
      })
      engines.push(engine)
      return engine
    },
    async close(): Promise<void> {
      for (const upstream of opened) upstream.release()
      for (const engine of engines.splice(0)) await engine.close()
      for (const upstream of opened.splice(0)) await upstream.stop()
    },
  }
}

export const gatewayInputs: TensorMap = { x: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }

/** Runs the model `copy`. */
export async function runCopy(
  engine: GatewayEngine,
  more: Partial<Parameters<GatewayEngine['infer']>[0]> = {},
  signal = new AbortController().signal,
) {
  const model = await engine.find('copy')
  return engine.infer({ model, inputs: gatewayInputs, parameters: {}, ...more }, signal)
}

/** Runs one after the other; the codes of those that failed. */
export async function runMany(engine: GatewayEngine, count: number): Promise<string[]> {
  const codes: string[] = []
  for (let index = 0; index < count; index += 1) {
    await runCopy(engine).catch((error: { code: string }) => codes.push(error.code))
  }
  return codes
}

export const runsOf = (upstreams: readonly FakeUpstream[]) => upstreams.reduce((sum, one) => sum + one.runs().length, 0)
