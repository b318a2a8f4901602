import type { Problem } from '../state/problem.ts'

export type GivenPicture = File | HTMLImageElement

/**
 * Decodes a picture for showing it, once its run has ended: a picture that was refused as too large must not be decoded
 * for its preview either. Undefined where there is nothing to show.
 *
 * @param side pixels of the longer side, at most; with `enlarge`, a smaller picture is enlarged to it
 */
export async function previewAfter(
  run: Promise<Problem | undefined>,
  picture: GivenPicture,
  { side, enlarge = false }: { readonly side: number; readonly enlarge?: boolean },
): Promise<ImageBitmap | undefined> {
  const problem = await run
  if (problem?.code?.startsWith('picture-')) return undefined
  const whole = await createImageBitmap(picture).catch(() => undefined)
  if (whole === undefined) return undefined
  const scale = side / Math.max(whole.width, whole.height)
  return createImageBitmap(whole, {
    resizeWidth: Math.max(1, Math.round(whole.width * (enlarge ? scale : Math.min(1, scale)))),
    // The samples of digits are a few pixels large; smoothed, they would look blurred.
    resizeQuality: enlarge && !(picture instanceof File) ? 'pixelated' : 'high',
  })
}
