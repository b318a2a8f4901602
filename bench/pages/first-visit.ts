import { createClient, type RouteRecord, Tensor } from 'hither'

/** One request that was made while its model was not ready: what was foretold of this device, and what came. */
export interface Foretold {
  readonly meanMs: number
  readonly p90Ms: number
  /** From the request's start to an answer of this device: its own, or when one would have come. */
  readonly actualMs: number
  readonly status: string
}

const inputs: Readonly<Record<string, () => Readonly<Record<string, unknown>>>> = {
  digits: () => ({ image: new Tensor('uint8', new Uint8Array(784), [1, 1, 28, 28]) }),
  languages: () => ({ text: new Tensor('int32', new Int32Array(64).fill(97), [1, 64]) }),
  mobilenet: () => ({ input: new Tensor('float32', new Float32Array(150_528).fill(0.4), [1, 3, 224, 224]) }),
}
/** The first gap between two requests, and the factor by which it grows: a few a download, however long that takes. */
const [firstGapMs, gapFactor] = [120, 1.7]
/** From the model's readiness to the record that says so. */
const settleMs = 2_000

const client = createClient({ endpoint: { url: location.origin } })
const ready = new Set<string>()
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
client.on('state', ({ model, state }) => {
  if (state.status === 'ready') ready.add(model)
})

function toForetold(route: RouteRecord): Foretold | undefined {
  const { known, predicted, ran, actualMs, other } = client.routes.list().find(({ id }) => id === route.id) ?? route
  if (predicted.edge === undefined || known === undefined || known.edgeStatus === 'ready') return undefined
  const came = ran === 'edge' ? actualMs : other?.known === 'when-ready' ? other.ms : undefined
  return came === undefined ? undefined : { ...predicted.edge, actualMs: came, status: known.edgeStatus }
}

/** Asks for a model until it is ready on this device; all that was foretold meanwhile, in the order of the requests. */
async function bring(model: string): Promise<(Foretold | undefined)[]> {
  const routes: RouteRecord[] = []
  const given = inputs[model]?.() as Readonly<Record<string, never>>
  for (let gapMs = firstGapMs; !ready.has(model); gapMs *= gapFactor) {
    routes.push((await client.run(model, given)).route)
    for (let waitedMs = 0; waitedMs < gapMs && !ready.has(model); waitedMs += 20) await sleep(20)
  }
  const isOpen = () => routes.some((route) => route.known?.edgeStatus !== 'ready' && toForetold(route) === undefined)
  for (let waitedMs = 0; waitedMs < settleMs && isOpen(); waitedMs += 20) await sleep(20)
  return routes.filter(({ known }) => known?.edgeStatus !== 'ready').map(toForetold)
}

Object.assign(globalThis, { bring })
