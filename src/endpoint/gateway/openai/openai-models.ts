import * as v from 'valibot'
import { CloudError } from '../../../errors/cloud-error.ts'
import { holdValues } from '../../../utils/held-value.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { continuingOf } from './continuing.ts'

/** Where servers have the OpenAI API: vLLM, Ray, Triton's and llama.cpp's; KServe; OpenVINO. */
const bases = ['/v1', '/openai/v1', '/v3']
const heldMs = 30_000
/** After a failure the upstream is asked again sooner: it may just be starting. */
const retryMs = 3_000
const askMs = 5_000

const modelSchema = v.looseObject({ id: v.string() })
const listSchema = v.object({ data: v.array(modelSchema) })

export type OpenAiModel = v.InferOutput<typeof modelSchema>

/** What an upstream has of the OpenAI API. */
interface Offer {
  readonly base: string
  readonly models: readonly OpenAiModel[]
}

/** Which upstream has which model of the OpenAI API. */
export interface OpenAiModels {
  /** Every model once, as the first upstream that has it describes it. */
  list(): Promise<readonly OpenAiModel[]>
  /** A model with what its upstreams do with half-finished answers. Never fails for their silence: then it says nothing. */
  describe(entry: { readonly id: string }): Promise<OpenAiModel>
  /**
   * The upstreams that have this model, in the order given, and where each has the API.
   *
   * @throws {CloudError} `cloud-model-missing`
   */
  find(model: string): Promise<readonly { readonly upstream: Upstream; readonly base: string }[]>
}

/** @param usable the upstreams that may get requests now, the least loaded first */
export function createOpenAiModels(usable: () => readonly Upstream[], now: () => number): OpenAiModels {
  const ask = async (upstream: Upstream): Promise<Offer | undefined> => {
    for (const base of bases) {
      try {
        const signal = AbortSignal.timeout(askMs)
        const { body } = await upstream.send({ path: `${base}/models`, limitBytes: 4 * 1024 * 1024, signal })
        const list = v.safeParse(listSchema, JSON.parse(new TextDecoder().decode(body)))
        if (list.success) return { base, models: list.output.data }
      } catch {
        // The API may be at the next address.
      }
    }
    return undefined
  }
  const held = holdValues({
    load: ask,
    holdMs: (offer: Offer | undefined) => (offer === undefined ? retryMs : heldMs),
    now,
  })
  const offers = async () => {
    const upstreams = usable()
    const all = await Promise.all(upstreams.map(held.get))
    return upstreams.flatMap((upstream, index) => {
      const offer = all[index]
      return offer === undefined ? [] : [{ upstream, ...offer }]
    })
  }

  return {
    async list() {
      const models = new Map<string, OpenAiModel>()
      for (const { models: some } of await offers()) {
        for (const model of some) if (!models.has(model.id)) models.set(model.id, model)
      }
      // What one upstream says of itself need not hold at another; asked for alone, a model has what holds at all.
      return [...models.values()].map((model) => ({ ...model, hither: {} }))
    },
    async describe(entry) {
      const having = (await offers()).filter(({ models }) => models.some(({ id }) => id === entry.id))
      const facts = await Promise.all(
        having.map(({ upstream }) => upstream.texts.describe(entry.id).catch(() => undefined)),
      )
      const known = facts.flatMap((each) => (each === undefined ? [] : [each]))
      return known.length === 0 ? entry : { ...entry, hither: continuingOf(known) }
    },
    async find(model) {
      const having = (await offers()).filter(({ models }) => models.some(({ id }) => id === model))
      if (having.length > 0) return having
      throw new CloudError('cloud-model-missing', `No upstream has the model ${model.slice(0, 100)}.`)
    },
  }
}
