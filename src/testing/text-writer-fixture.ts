import { type AnswerState, noAnswer } from '../client/generate/answer/answer-state.ts'
import { openTextWriter, type TextWriter } from '../client/generate/generate.ts'
import type { GenerateParts } from '../client/generate/routing/generate-parts.ts'
import { openTextRouting } from '../client/generate/routing/text-routing.ts'
import type { WritingLog } from '../client/generate/running/conduct-types.ts'
import type { EdgeRequest } from '../client/generate/running/edge-run.ts'
import { planText } from '../client/generate/running/plan-text.ts'
import type { Handover } from '../client/generate/running/receivers.ts'
import type { RunEnd } from '../client/generate/running/run-types.ts'
import { writePlanned } from '../client/generate/running/write-planned.ts'
import type { WritingKnowledge } from '../client/request/know-writing.ts'
import type { Budgets, EndpointOptions } from '../client/types/client-options.ts'
import type { WritingPart } from '../client/types/generate-types.ts'
import type { ChatMessage, Tool } from '../contracts/chat.ts'
import type { Manifest } from '../contracts/manifest.ts'
import type { Privacy, RouteRecord } from '../contracts/route.ts'
import { greedy } from '../generation/sampling/sampling.ts'
import type { NetworkChange } from '../network/network-watcher.ts'
import { createRouteLearner } from '../routing/learning/route-learner.ts'
import type { ArmRef, Spending } from '../routing/router-types.ts'
import type { TextPlan } from '../routing/text/text-types.ts'
import { lazy } from '../utils/lazy.ts'
import { logNormal } from '../utils/log-normal.ts'
import type { Timers } from '../utils/with-deadline.ts'
import { plainManifest } from './fake-manifest.ts'

/** The fake text servers' model, as it would be on this device. */
export const tokenizerSha256 = 'a'.repeat(64)
export const teller: Manifest = plainManifest({
  name: 'teller',
  revision: '1',
  task: 'text-generation',
  files: [{ path: 'tokenizer.json', bytes: 1, sha256: tokenizerSha256 }],
  generation: {
    tokenizer: 'tokenizer.json',
    vocabulary: 1_000,
    contextTokens: 10_000,
    ends: [0],
    cache: { layers: 1, kvHeads: 1, headSize: 8, type: 'float32' },
  },
})

/** A clock that a test moves, and timers that go by it. */
export interface HandClock {
  readonly nowMs: () => number
  readonly timers: Timers
  /** Moves it, and fires what is due. */
  pass(ms: number): void
}

export function createHandClock(): HandClock {
  let [now, last] = [1_000, 0]
  const waiting = new Map<number, { readonly at: number; readonly fire: () => void }>()
  return {
    nowMs: () => now,
    timers: {
      setTimeout(fire, ms) {
        last += 1
        waiting.set(last, { at: now + ms, fire })
        return last
      },
      clearTimeout: (handle) => void waiting.delete(Number(handle)),
    },
    pass(ms) {
      now += ms
      for (const [key, { at, fire }] of [...waiting]) if (at <= now && waiting.delete(key)) fire()
    },
  }
}

/** An answer whose plan a test has made. */
export interface ConductedAnswer {
  readonly parts: readonly WritingPart[]
  /** What a reader sees of it now. */
  readonly shown: () => string
  readonly state: AnswerState
  readonly log: WritingLog
  readonly end: Promise<RunEnd>
  readonly clock: HandClock
  readonly abort: (reason: Error) => void
}

export interface TextWriterFixture {
  /** Has an answer written that begins on this arm. The endpoints have been asked for the model before. */
  conduct(
    input: { readonly messages: readonly ChatMessage[]; readonly tools?: readonly Tool[] } | { readonly text: string },
    begin: ArmRef,
    options?: Partial<Pick<TextPlan, 'second' | 'fallbacks' | 'retries'>> & {
      readonly request?: Partial<EdgeRequest>
      readonly handover?: Handover
      readonly restart?: boolean
      readonly privacy?: Privacy
      readonly state?: AnswerState
      readonly onPart?: (part: WritingPart) => void
    },
  ): Promise<ConductedAnswer>
  readonly writer: TextWriter
  readonly routes: readonly RouteRecord[]
  readonly failures: readonly unknown[]
  /** What is stored on the device. */
  readonly records: Map<string, unknown>
  readonly closing: AbortController
  /** How often the model was made ready. */
  readonly prepared: () => number
  setOnline(online: boolean): void
  setSavePower(saves: boolean): void
  /** Iterates an answer to its end. */
  read(
    input: Parameters<TextWriter['generate']>[1],
    options?: Parameters<TextWriter['generate']>[2],
    onPart?: (part: WritingPart) => void,
  ): Promise<{
    readonly shown: string
    readonly parts: readonly WritingPart[]
    readonly result: Awaited<ReturnType<TextWriter['generate']>['done']>
  }>
}

/** A writer of texts over an engine and endpoints; nothing else of a client is there. */
export function openTextWriterFixture(options: {
  readonly edge: GenerateParts['edge']
  readonly endpoints?: readonly EndpointOptions[]
  /** What tokens cost, and where it is booked. Default: nothing, and nowhere. */
  readonly budgets?: Budgets
  readonly spending?: Spending
  readonly manifest?: Manifest
  readonly records?: Map<string, unknown>
  /** Where the model stands on this device. Default `ready`. */
  readonly edgeStatus?: WritingKnowledge['edge']['status']
  readonly saveData?: boolean
  readonly closed?: readonly string[]
  /** A run that reads a token, in milliseconds: what the device is taken to need until it was measured. Default 2. */
  readonly stepMs?: number
  /** What loading the model anew is taken to need, in milliseconds. Default 300. */
  readonly reloadMs?: number
  /** To each endpoint, in milliseconds. Default 1. */
  readonly roundTripMs?: number
  /** The model's tokenizer on this device. */
  readonly encode?: (text: string) => Promise<readonly number[]>
}): TextWriterFixture {
  const { edge, endpoints = [], manifest = teller, records = new Map<string, unknown>() } = options
  const { edgeStatus = 'ready', saveData = false, closed = [], stepMs = 2 } = options
  const { reloadMs = 300, roundTripMs = 1 } = options
  const reload = {
    ...{ remainingBytes: 0, downlink: logNormal(1e9, 0.1), other: undefined, load: logNormal(reloadMs, 0.1) },
    ...{ loadingForMs: 0, isRateMeasured: true, isMeasured: true },
  }
  const routes: RouteRecord[] = []
  const failures: unknown[] = []
  const closing = new AbortController()
  const listeners = new Set<(change: NetworkChange) => void>()
  let [online, savePower, prepared] = [true, false, 0]

  const know = async (): Promise<WritingKnowledge> => ({
    ...{ online, saveData, savePower },
    edge: {
      ...{ status: edgeStatus, backend: 'wasm', stepMs, waitMs: 0 },
      ...{ cloudByDefault: false, preparation: undefined, lacks: undefined },
      reload,
    },
    closed: new Set(closed),
    roundTripMs: () => roundTripMs,
    known: { ...{ online, saveData, savePower, edgeStatus, edgeWaiting: 0, requestBytes: 1 }, links: [] },
  })
  const parts: GenerateParts = {
    edge,
    edgeModels: {
      prepare: async () => {
        prepared += 1
        return { backend: 'wasm', threads: 1, createMs: 1, warmupMs: 1 }
      },
    },
    background: {
      manifest: async () => manifest,
      readRecord: async (key) => structuredClone(records.get(key)),
      writeRecord: async (key, value) => {
        if (value === undefined) records.delete(key)
        else records.set(key, structuredClone(value))
      },
    },
    pipeline: {
      learner: createRouteLearner(),
      writing: {
        ...{
          endpoints,
          fetch: undefined,
          budgets: options.budgets,
          spending: options.spending ?? { extraMsOf: () => 0, spend() {} },
          keepsMeasurements: false,
          downloadOnMetered: false,
          know,
        },
        watcher: {
          get online() {
            return online
          },
          saveData,
          connection: undefined,
          onChange(listener) {
            listeners.add(listener)
            return () => listeners.delete(listener)
          },
        },
        power: {
          get savePower() {
            return savePower
          },
          onBattery: false,
          start() {},
          stop() {},
        },
      },
    },
    policy: {},
    open: async () => {},
    closing: closing.signal,
    onAnswered: (route) => routes.push(route),
    onFailed: (error) => failures.push(error),
  }
  const writer = openTextWriter(parts)
  const routing = lazy(() =>
    openTextRouting({
      ...{ endpoints, fetch: undefined, keeps: false },
      background: parts.background,
      closing: closing.signal,
    }),
  )
  const conduct: TextWriterFixture['conduct'] = async (prompt, begin, given = {}) => {
    const { second, fallbacks = [], retries = false, handover = 'same-model', restart = false } = given
    const { privacy = 'any', state = noAnswer(), onPart = () => {}, request = {} } = given
    const known = await routing.get()
    const ids: (text: string) => Promise<readonly number[] | undefined> = options.encode ?? (async () => undefined)
    for (const cloud of known.allowed(privacy)) await cloud.refresh(manifest, ids)
    const about = { promptTokens: 20, maxTokens: 100, whenFull: 'refuse' } as const
    const ask = { privacy, handover, restart, prompt, state, ...about }
    const planned = await planText(parts, known, manifest, {
      ...{ ...ask, deadlineMs: undefined, objective: undefined, forReal: false },
    })
    const plan: TextPlan = {
      ...begin,
      ...{ model: manifest.name, objective: 'first-token', reason: 'edge-first-token', arms: [], answerTokens: 60 },
      ...{ fallbacks, retries, ...(second === undefined ? {} : { second }) },
    }
    const clock = createHandClock()
    const controller = new AbortController()
    const told: WritingPart[] = []
    const { log, end } = writePlanned(parts, known, manifest, {
      ...{ ...planned, decision: plan, promptTokens: 20, handover, restart, state },
      ...{ signal: controller.signal, nowMs: clock.nowMs, timers: clock.timers },
      request: { prompt, sampling: greedy, stops: [], maxTokens: 1_000, whenFull: 'refuse', ...request },
      onPart(part) {
        told.push(part)
        onPart(part)
      },
    })
    end.catch(() => {})
    const shown = () =>
      told.reduce((text, part) => {
        if (part.type === 'moved' && part.restarted === true) return ''
        return part.type === 'text' ? text + part.text : text
      }, '')
    return { ...{ parts: told, shown, state, log, end, clock }, abort: (reason) => controller.abort(reason) }
  }
  return {
    ...{ writer, conduct, routes, failures, records, closing, prepared: () => prepared },
    setOnline(next) {
      const networkChanged = next && !online
      online = next
      for (const listener of [...listeners]) listener({ online, saveData, networkChanged })
    },
    setSavePower(saves) {
      savePower = saves
    },
    async read(input, readOptions = {}, onPart = () => {}) {
      const writing = writer.generate(manifest.name, input, readOptions)
      const parts: WritingPart[] = []
      let shown = ''
      for await (const part of writing) {
        parts.push(part)
        if (part.type === 'moved' && part.restarted) shown = ''
        if (part.type === 'text') shown += part.text
        onPart(part)
      }
      return { shown, parts, result: await writing.done }
    },
  }
}
