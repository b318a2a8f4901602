import type { AdapterFacts } from '../contracts/measurements.ts'

/** A WebGPU adapter with what it says of itself. Presence is no promise of speed: see `measureWebgpu`. */
export interface WebgpuAdapter {
  readonly adapter: GPUAdapter
  readonly facts: AdapterFacts
}

/**
 * Asks for a WebGPU adapter. Resolves to undefined where there is none, or where the browser has blocked WebGPU
 * after its GPU process crashed.
 */
export async function detectWebgpu(
  gpu: GPU | undefined = (globalThis.navigator as Navigator & { gpu?: GPU }).gpu,
): Promise<WebgpuAdapter | undefined> {
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  if (!adapter) return undefined
  const { info, limits, features } = adapter
  const name = [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'unnamed adapter'
  return {
    adapter,
    facts: {
      name,
      software: info.isFallbackAdapter === true || /swiftshader|llvmpipe|basic render/i.test(name),
      shaderF16: features.has('shader-f16'),
      maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    },
  }
}
