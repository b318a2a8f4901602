import type { Backend } from './model-state.ts'

/** A place where a request can run. */
export type Arm = 'edge' | 'cloud'

/** Where a request may run. `edge-only` content never leaves the device, not even in a failure report. */
export const privacyModes = ['edge-only', 'prefer-edge', 'any', 'cloud-only'] as const
export type Privacy = (typeof privacyModes)[number]

/** A predicted completion time, in milliseconds from the request's start. */
export interface Prediction {
  readonly meanMs: number
  readonly p90Ms: number
}

/** Every reason a route can have, with its sentence for people. The list is closed. */
export const routeReasons = {
  'edge-only': 'This request must stay on this device.',
  'cloud-only': 'This request was asked to run in the cloud.',
  'no-endpoint': 'No cloud endpoint is configured, so it ran on this device.',
  offline: 'This device is offline, so it ran here.',
  'data-saver': 'Data saver is on and the model is already here, so nothing was sent.',
  'data-saver-no-download': 'Data saver is on, so the model was not downloaded and the cloud ran it.',
  'prefer-edge': 'You prefer this device, and the model is ready here.',
  'edge-not-ready': 'The model is still on its way to this device, so the cloud answered meanwhile.',
  'edge-unavailable': 'This browser cannot run the model, so the cloud did.',
  'edge-set-aside': 'Runs on this device failed several times in a row, so the cloud is used for a while.',
  'cloud-set-aside': 'The endpoint failed several times in a row, so this device is used for a while.',
  'cloud-lacks-model': 'The endpoint does not have this model, so it ran on this device.',
  'edge-faster': 'This device was predicted to finish first.',
  'cloud-faster': 'The cloud was predicted to finish first.',
  'edge-in-time': 'Only this device was predicted to finish in time.',
  'cloud-in-time': 'Only the cloud was predicted to finish in time.',
  'kept-edge': 'Both were predicted to take about as long, so it stayed on this device.',
  'kept-cloud': 'Both were predicted to take about as long, so it stayed in the cloud.',
  'edge-cheaper': 'This device costs less here, and the budget is nearly spent.',
  'cloud-cheaper': 'The cloud costs less here, and the budget is nearly spent.',
  'edge-safer': 'Starting on this device was predicted to be the safer choice.',
  'cloud-safer': 'Starting in the cloud was predicted to be faster, with this device to step in should it be slow.',
  'edge-overtaken': 'This device took longer than predicted, and the cloud answered first.',
  'cloud-overtaken': 'The cloud took longer than predicted, and this device answered first.',
  explored: 'Both ran, to learn how fast the other one is, and the first answer was taken.',
  'edge-failed': 'The run on this device failed, so the cloud answered instead.',
  'cloud-failed': 'The endpoint failed, so this device answered instead.',
} as const

export type RouteReason = keyof typeof routeReasons

/** One try to answer a request on one arm. */
export interface RouteAttempt {
  readonly arm: Arm
  readonly ms: number
  /** The error's code when the attempt failed. */
  readonly error?: string
}

/** Where the time of a request went, in milliseconds. A part that was not measured is left out. */
export interface RouteParts {
  /** From what the user gave to tensors. */
  readonly prepareMs?: number
  /** Waiting for a worker, here or at the endpoint. */
  readonly queueMs?: number
  /** Request bytes on the way up; with `downloadMs` this is the network's whole share. */
  readonly uploadMs?: number
  readonly computeMs?: number
  readonly downloadMs?: number
}

/** Why a request ran where it ran, and what came of it. Holds nothing of the request's content. */
export interface RouteRecord {
  readonly id: string
  readonly model: string
  readonly revision: string
  /** When the request started, in milliseconds since the epoch. */
  readonly startedAtMs: number
  readonly ran: Arm
  /** The edge's backend; absent when the cloud answered. */
  readonly backend?: Backend
  readonly reason: RouteReason
  readonly why: string
  readonly predicted: { readonly edge?: Prediction; readonly cloud?: Prediction }
  readonly actualMs: number
  readonly parts: RouteParts
  readonly attempts: readonly RouteAttempt[]
}
