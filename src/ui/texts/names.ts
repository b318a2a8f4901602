import type { Arm, Backend, ModelState, Privacy, RouteReason, RouteRecord } from '../../index.ts'
import { t } from './text.ts'

/** Names of what the library has a closed list of, in the language that is set. */

export const armName = (arm: Arm): string => (arm === 'edge' ? t('arm.edge', 'Edge') : t('arm.cloud', 'Cloud'))

const backendNames = { wasm: 'WASM', webgpu: 'WebGPU', webnn: 'WebNN' } as const satisfies Record<Backend, string>

export const backendName = (backend: Backend): string => backendNames[backend]

/** Where a route ran, with its backend, as a person reads it: `Edge · WASM` or `Cloud`. */
export const placeName = ({ ran, backend }: Pick<RouteRecord, 'ran' | 'backend'>): string =>
  backend === undefined ? armName(ran) : `${armName(ran)} · ${backendName(backend)}`

export const privacyNames = (): Record<Privacy, string> => ({
  any: t('privacy.any', 'Wherever it is faster'),
  'prefer-edge': t('privacy.prefer-edge', 'This device if it can'),
  'edge-only': t('privacy.edge-only', 'Only this device'),
  'cloud-only': t('privacy.cloud-only', 'Only the cloud'),
})

/** Why a request ran where it did; the English sentence is the library's. */
export const reasonText = ({ reason, why }: { readonly reason: RouteReason; readonly why: string }): string =>
  t(`reason.${reason}`, why)

/** What went wrong; the English sentence is the library's, with what it knows of this very case. */
export const problemText = ({ code, message }: { readonly code?: string; readonly message: string }): string =>
  code === undefined ? message : t(`error.${code}`, message)

export const stateNames = (): Record<ModelState['status'], string> => ({
  absent: t('state.absent', 'Not on this device'),
  downloading: t('state.downloading', 'Downloading'),
  paused: t('state.paused', 'Paused'),
  stored: t('state.stored', 'Stored on this device'),
  loading: t('state.loading', 'Loading'),
  ready: t('state.ready', 'Ready'),
  failed: t('state.failed', 'Failed'),
})
