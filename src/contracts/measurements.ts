import type { Backend, Progress } from './model-state.ts'

type Range = readonly [from: number, to: number]

/** What is known of the link to the endpoint. A figure is absent until it was measured. */
export interface LinkReport {
  readonly online: boolean
  /** The person asked the browser to save data. */
  readonly saveData: boolean
  readonly roundTripMs?: number
  readonly uplinkBitsPerSecond?: number
  readonly downlinkBitsPerSecond?: number
  /** Where nine in ten of the next ones are expected, from and to, of each figure that was measured. */
  readonly likely?: {
    readonly roundTripMs?: Range
    readonly uplinkBitsPerSecond?: Range
    readonly downlinkBitsPerSecond?: Range
  }
  /** Requests and pings that the figures rest on. */
  readonly samples: number
  /** Milliseconds since the newest of them. */
  readonly ageMs?: number
}

/** What a WebGPU adapter says of itself. */
export interface AdapterFacts {
  /** The adapter's name as far as the browser tells it. */
  readonly name: string
  /** The adapter says of itself that it runs on the processor. */
  readonly software: boolean
  /** It computes in 16-bit floats. */
  readonly shaderF16: boolean
  /** The largest buffer that a shader may bind, in bytes. */
  readonly maxBufferBytes: number
}

/** A backend's speed on this device, measured with a built-in kernel. */
export interface BackendMeasurement {
  readonly backend: Backend
  /** WASM threads the figure was taken with. */
  readonly threads?: number
  readonly status: 'measured' | 'absent' | 'failed'
  /** Multiply-accumulates a second in the kernel. */
  readonly macsPerSecond?: number
  /** Time of a run that has next to nothing to compute: dispatch and read-back. */
  readonly overheadMs?: number
  /** What measuring took, in milliseconds. */
  readonly tookMs?: number
  /** The time for measuring was up before it had ended: the backend is no faster than this. */
  readonly cutShort?: boolean
  /** The adapter says of itself that it runs on the processor. */
  readonly software?: boolean
  /** Why it is absent or failed, or the adapter's name. */
  readonly detail?: string
}

/** What is known of this device. */
export interface DeviceReport {
  readonly crossOriginIsolated: boolean
  readonly hardwareConcurrency: number
  readonly backends: readonly BackendMeasurement[]
  /** The backend that measuring chose; absent before. */
  readonly chosen?: Backend
  /** WASM threads in use. */
  readonly threads?: number
  /** Memory that loaded models may take together, in bytes, and what they are estimated to take. */
  readonly memory?: { readonly budgetBytes: number; readonly usedBytes: number }
  /** Addresses of the runtime files in use: what must be kept to work offline. */
  readonly runtimeFiles: readonly string[]
}

export interface ModelProgress extends Progress {
  readonly model: string
}
