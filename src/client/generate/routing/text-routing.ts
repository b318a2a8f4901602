import type { Manifest } from '../../../contracts/manifest.ts'
import type { Privacy } from '../../../contracts/route.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import type { Spending } from '../../../routing/router-types.ts'
import { createTextRouter } from '../../../routing/text/deciding/create-text-router.ts'
import { createTextLearner } from '../../../routing/text/learning/text-learner.ts'
import type { TextLearner } from '../../../routing/text/learning/text-learner-types.ts'
import type { TextForecast, TextObjective, TextRouter, TextSnapshot } from '../../../routing/text/text-types.ts'
import { given } from '../../../utils/given.ts'
import type { Background } from '../../background/create-background.ts'
import type { WritingKnowledge } from '../../request/know-writing.ts'
import type { Budgets, EndpointOptions, TokenPrices } from '../../types/client-options.ts'
import { type CloudText, isSealed, openCloudText, type TextArmPlace } from './text-places.ts'
import { checkTokenPrices, cloudTextPrice, edgeTextPrice } from './text-prices.ts'

/** Where speeds are kept from one visit to the next. */
const recordKey = 'measured-text'
const saveAfterMs = 2_000
/** What a server in a data centre adds to the round trip before its first token, in milliseconds. Assumed. */
const serverFirstTokenMs = 400

/** What the request itself adds to what is known. */
export interface TextAsk {
  readonly privacy: Privacy
  readonly objective: TextObjective | undefined
  readonly deadlineMs: number | undefined
  readonly promptTokens: number
  readonly leastPromptTokens: number
  readonly maxTokens: number
  /** An answer that has begun may be gone on with elsewhere. */
  readonly mayMove: boolean
  /** What this device can't do with it, however fast it is. */
  readonly edgeBarrier: 'none' | 'memory' | 'unable'
  /** Endpoints that can't go on with an answer that was begun on an earlier page. */
  readonly cloudLacks: (place: TextArmPlace) => boolean
}

/** A request for text, as it is seen now. */
export interface TextView {
  readonly snapshot: TextSnapshot
  readonly places: readonly TextArmPlace[]
  /**
   * How a text would be written at a place, with so many tokens to be read there.
   *
   * @param isLost the worker on this device has died, and loads the model anew first. Default false
   */
  readonly forecast: (place: TextArmPlace, tokens: number, isLost?: boolean) => TextForecast
}

/** All that decides where texts are written, and what it has learned. */
export interface TextRouting {
  readonly router: TextRouter
  readonly learner: TextLearner
  readonly clouds: readonly CloudText[]
  /** Some endpoint is asked for no texts, because requests to it are to be sealed, and a stream of text can't be. */
  readonly leavesSealed: boolean
  /** The endpoints that a request may know of. */
  allowed(privacy: Privacy): readonly CloudText[]
  view(manifest: Manifest, knowledge: WritingKnowledge, ask: TextAsk): TextView
  /** Saves 2 s later what was learned; calls until then are one. */
  save(): void
}

export async function openTextRouting(options: {
  readonly endpoints: readonly EndpointOptions[]
  readonly fetch: typeof globalThis.fetch | undefined
  /** What races may waste, as shares of all requests' tokens, and what tokens cost. */
  readonly budgets?: Budgets | undefined
  /** The budgets of money and energy, which all requests share. Default: there are none. */
  readonly spending?: Spending | undefined
  readonly background: Pick<Background, 'readRecord' | 'writeRecord'>
  /** Keep what is measured for the next visit. */
  readonly keeps: boolean
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
}): Promise<TextRouting> {
  const { endpoints, fetch, budgets = {}, spending, background, keeps, closing } = options
  checkTokenPrices(budgets.tokenPrices)
  const shares = given({ edgeShare: budgets.wastedEdgeShare, cloudShare: budgets.wastedCloudShare })
  const router = createTextRouter({ settings: shares, spending })
  const learner = createTextLearner()
  // Prompt and answer would go to a sealed one in the open.
  const clouds = endpoints.flatMap((endpoint) => {
    const cloud = openCloudText(endpoint, fetch)
    return isSealed(endpoint) ? [] : [cloud]
  })
  let timer: ReturnType<typeof setTimeout> | undefined

  if (keeps) {
    const stored = await background.readRecord(recordKey).catch(() => undefined)
    if (typeof stored === 'object' && stored !== null) {
      if ('learner' in stored) learner.restore(stored.learner)
      if ('router' in stored) router.restore(stored.router)
    }
  }
  closing.addEventListener('abort', () => clearTimeout(timer), { once: true })
  const allowed: TextRouting['allowed'] = (privacy) => (privacy === 'edge-only' ? [] : clouds)

  return {
    router,
    learner,
    clouds,
    leavesSealed: endpoints.some(isSealed),
    allowed,
    view: (manifest, knowledge, ask) =>
      takeView({ learner, clouds: allowed(ask.privacy), prices: budgets.tokenPrices }, manifest, knowledge, ask),
    save() {
      if (!keeps || closing.aborted) return
      timer ??= setTimeout(() => {
        timer = undefined
        const value = { version: 1, learner: learner.snapshot(), router: router.snapshot() }
        void background.writeRecord(recordKey, value).catch(() => {})
      }, saveAfterMs)
    },
  }
}

/** The arms as the router takes them. */
function takeView(
  { learner, clouds, prices = {} }: Pick<TextRouting, 'learner' | 'clouds'> & { prices: TokenPrices | undefined },
  manifest: Manifest,
  knowledge: WritingKnowledge,
  ask: TextAsk,
): TextView {
  const model = modelKey(manifest)
  const { edge, closed } = knowledge
  const { promptTokens, maxTokens, edgeBarrier } = ask
  const backend = edge.backend ?? 'wasm'
  const edgeAt = { arm: 'edge', model, backend } as const
  if (edge.stepMs !== undefined) learner.assumeEdge(edgeAt, { tokenMs: edge.stepMs + 1 })
  const contextTokens = manifest.generation?.contextTokens
  const answerTokens = learner.answerTokens(model, maxTokens).mean
  const edgeCan = edge.status !== 'unavailable' && edgeBarrier !== 'unable'

  const isHere = ['ready', 'loading', 'stored'].includes(edge.status)
  const edgePlace: TextArmPlace = {
    ref: { arm: 'edge' },
    at: edgeAt,
    isOther: false,
    isSameTokenizer: true,
    contextTokens,
    mayWrite: edgeCan && edgeBarrier === 'none' && ask.privacy !== 'cloud-only' && (isHere || !knowledge.saveData),
    isReady: edge.status === 'ready',
  }
  const open = clouds.filter(({ name }) => !closed.has(name))
  const cloudPlaces = open.map((cloud): TextArmPlace => {
    const at = { arm: 'cloud', model, endpoint: cloud.name } as const
    const roundTripMs = knowledge.roundTripMs(cloud.name)
    if (roundTripMs !== undefined) learner.assumeCloud(at, { firstTokenMs: roundTripMs + serverFirstTokenMs })
    return {
      ref: { arm: 'cloud', endpoint: cloud.name },
      at,
      isOther: cloud.modelOf(manifest).isOther,
      isReady: true,
      // Known a moment after the answer was begun, at the first request.
      get isSameTokenizer() {
        return cloud.isSameTokenizer(manifest)
      },
      get facts() {
        return cloud.facts(manifest)
      },
      get contextTokens() {
        return cloud.facts(manifest)?.contextTokens
      },
      get mayWrite() {
        return cloud.has(manifest) !== false
      },
    }
  })
  const forecast: TextView['forecast'] = (place, tokens, isLost = false) =>
    learner.forecast(place.at, {
      promptTokens: tokens,
      answerTokens,
      ...(place.ref.arm === 'edge'
        ? { waitMs: edge.waitMs, ...given({ preparation: isLost ? edge.reload : edge.preparation }) }
        : {}),
    })
  const edgeForecast = edgeCan ? forecast(edgePlace, promptTokens) : undefined
  return {
    places: [edgePlace, ...cloudPlaces],
    forecast,
    snapshot: {
      model,
      privacy: ask.privacy,
      online: knowledge.online,
      saveData: knowledge.saveData,
      savePower: knowledge.savePower,
      objective: ask.objective,
      promptTokens,
      leastPromptTokens: ask.leastPromptTokens,
      maxTokens,
      answerTokens,
      deadlineMs: ask.deadlineMs,
      edge: {
        status: edgeCan ? edge.status : 'unavailable',
        cloudByDefault: edge.cloudByDefault,
        forecast: edgeForecast,
        price: edgeForecast && edgeTextPrice(prices.edge, edgeForecast, promptTokens),
        contextTokens,
        // All that is known is that it does not suffice for so many.
        memoryTokens: edgeBarrier === 'memory' ? promptTokens : undefined,
      },
      clouds: cloudPlaces.map((place, index) => {
        const { moneyPerToken = prices.cloud, moneyPer1000 } = open[index]?.money ?? {}
        const cloudForecast = forecast(place, promptTokens)
        return {
          endpoint: place.ref.endpoint ?? '',
          hasModel: open[index]?.has(manifest) ?? 'unknown',
          forecast: cloudForecast,
          price: cloudTextPrice(moneyPerToken, moneyPer1000, cloudForecast),
          contextTokens: place.contextTokens,
          lacks: ask.cloudLacks(place),
        }
      }),
      cloudClosed: clouds.length > 0 && open.length === 0,
      mayMove: ask.mayMove,
    },
  }
}
