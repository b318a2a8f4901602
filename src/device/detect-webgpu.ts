/** What this browser says of its WebGPU adapter. Presence is no promise of speed: see `measureWebgpu`. */
export interface WebgpuAdapter {
  readonly adapter: GPUAdapter
  /** The adapter's name as far as the browser tells it. */
  readonly name: string
  /** The adapter says of itself that it runs on the processor. */
  readonly software: boolean
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
  const { info } = adapter
  const name = [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'unnamed adapter'
  return { adapter, name, software: info.isFallbackAdapter === true || /swiftshader|llvmpipe|basic render/i.test(name) }
}
