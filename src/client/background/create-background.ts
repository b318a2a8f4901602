import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import type { Traffic } from '../../models/transfer/traffic-meter.ts'
import type { Detections } from '../../tasks/decode/detect.ts'
import type { PictureView } from '../../tasks/pictures/picture-view.ts'
import type { PreparedPicture } from '../../tasks/pictures/prepare-inputs.ts'
import type { PictureSize } from '../../tasks/pictures/size-reader.ts'
import { type TransferablePicture, transferablesOf } from '../../tasks/pictures/transferable-picture.ts'
import { handOver } from '../../utils/calls/hand-over.ts'
import type { Remote } from '../../utils/calls/remote.ts'
import { openWorkerLink, type WorkerLink } from '../../utils/calls/worker-link.ts'
import type { BackgroundMethods, BackgroundSettings, SoundCutter } from './worker/background-types.ts'

/** Methods that a manifest is given to, of which they get the parts that they go by. */
interface ByManifest {
  prepareInputs(manifest: Manifest, picture: TransferablePicture, full?: PictureSize): Promise<PreparedPicture>
  prepareText(manifest: Manifest, text: string): Promise<TensorMap>
  unpackInputs(manifest: Manifest, inputs: TensorMap): Promise<TensorMap>
  /** Cuts sound into a model's windows. The samples are handed over. */
  openSound(manifest: Manifest, rateHz: number): Promise<SoundCutter>
  detections(manifest: Manifest, outputs: TensorMap, view: PictureView): Promise<Detections>
}

/** The page's side of the second worker. Started on first use, and again after it has died. */
export interface Background extends Omit<Remote<BackgroundMethods>, 'open' | keyof ByManifest>, ByManifest {
  /** Ends the worker for good: pending and later calls reject with `reason`. */
  terminate(reason: Error): void
}

/**
 * @param token asked for an origin's token, of those in the settings
 * @param onTraffic told how fast the models' files come
 */
export function createBackground(
  startWorker: () => Worker,
  settings: BackgroundSettings,
  token: (origin: string) => string | undefined | Promise<string | undefined> = () => undefined,
  onTraffic: (traffic: Traffic) => void = () => {},
): Background {
  let link: WorkerLink<BackgroundMethods> | undefined
  let ended: Error | undefined

  const methods = (): Remote<BackgroundMethods> => {
    if (ended !== undefined) throw ended
    if (link?.alive) return link.methods
    let worker: Worker
    try {
      worker = startWorker()
    } catch (cause) {
      throw new CapabilityError('worker-unavailable', 'This page may not start the worker that reads and stores.', {
        cause,
      })
    }
    link = openWorkerLink<BackgroundMethods>(worker, (event) => {
      const detail = 'message' in event ? event.message : ''
      return new CapabilityError('worker-unavailable', 'The worker that reads and stores could not run.', {
        context: { detail },
      })
    })
    // Messages are handled in order: whatever is called next finds it open, or fails as opening did.
    link.methods.open(settings, token, onTraffic).catch(() => {})
    return link.methods
  }

  const own: ByManifest & Pick<Background, 'terminate'> = {
    prepareInputs: async ({ name, inputs, preprocessing }, picture, full) =>
      methods().prepareInputs({ name, inputs, preprocessing }, handOver(picture, transferablesOf(picture)), full),
    prepareText: async ({ name, inputs, preprocessing }, text) =>
      methods().prepareText({ name, inputs, preprocessing }, text),
    unpackInputs: async ({ wire }, inputs) => methods().unpackInputs({ wire }, inputs),
    async openSound({ name, preprocessing }, rateHz) {
      const { push } = await methods().openSound({ name, preprocessing }, rateHz)
      return {
        push: (channels, last) =>
          push(
            handOver(
              channels,
              channels.map(({ buffer }) => buffer as ArrayBuffer),
            ),
            last,
          ),
      }
    },
    detections: async ({ name, decoding, labels }, outputs, view) =>
      methods().detections({ name, decoding, labels }, outputs, view),
    terminate(reason) {
      ended ??= reason
      link?.terminate(reason)
    },
  }

  /** Starts the worker where there is none; that it can't be started rejects the call. */
  const toMethod =
    (name: keyof BackgroundMethods) =>
    async (...args: unknown[]): Promise<unknown> =>
      (methods()[name] as (...given: unknown[]) => Promise<unknown>)(...args)

  return new Proxy(own as Background, {
    get(_, name) {
      if (name === 'then') return undefined // awaited, it must not be taken for a promise
      return Object.hasOwn(own, name) ? own[name as keyof typeof own] : toMethod(name as keyof BackgroundMethods)
    },
  })
}
