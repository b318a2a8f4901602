import type { InferenceSession } from 'onnxruntime-common'
import type { Runtime } from './runtime.ts'

/** The graphics processor, as long as sessions are on it. */
export interface DeviceWatch {
  hold(session: InferenceSession, runtime: Runtime): void
  drop(session: InferenceSession): void
  /** Resolves when it is lost; undefined while no session is on it. */
  lost(): Promise<GPUDeviceLostInfo> | undefined
}

/**
 * A lost device leaves its run pending for ever and the runtime unusable: it is told as an uncaught error, by which the
 * page replaces the worker.
 */
export function createDeviceWatch(): DeviceWatch {
  let watched: { readonly lost: Promise<GPUDeviceLostInfo> } | undefined
  const onDevice = new Set<InferenceSession>()

  const watch = async (runtime: Runtime): Promise<void> => {
    const device = await runtime.env.webgpu.device
    if (device === undefined || watched !== undefined || onDevice.size === 0) return
    watched = device
    const { reason, message } = await device.lost
    // The runtime gives its device up with the last session on it, and asks for another with the next one.
    if (watched !== device) return
    setTimeout(() => {
      throw new Error(`edge-device-lost: ${reason} ${message}`)
    })
  }
  return {
    hold(session, runtime) {
      onDevice.add(session)
      void watch(runtime)
    },
    drop(session) {
      if (onDevice.delete(session) && onDevice.size === 0) watched = undefined
    },
    lost: () => watched?.lost,
  }
}
