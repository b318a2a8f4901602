import { readSideOf } from '../../tasks/pictures/picture-limits.ts'
import type { PictureSource } from '../../tasks/pictures/picture-source.ts'
import type { PictureView } from '../../tasks/pictures/picture-view.ts'
import { fullSizeOf, toTransferablePicture, whenFetched } from '../../tasks/pictures/to-transferable-picture.ts'
import { invariant } from '../../utils/invariant.ts'
import { lazyPart } from '../../utils/lazy-part.ts'
import type { ModelRun } from '../request/model-run.ts'
import type { RunOptions } from '../types/run-types.ts'
import type { PictureTask, TaskResult } from '../types/task-types.ts'
import type { TaskContext } from './task-context.ts'

interface PictureRun extends ModelRun {
  /** How the picture lay in the model's input. */
  readonly view: PictureView
}

/**
 * A task about pictures.
 *
 * @param toAnswer makes an answer of the outputs
 */
export function createPictureTask<A>(
  { runModel, background, model, check }: TaskContext,
  toAnswer: (run: PictureRun) => Promise<A>,
): PictureTask<A> {
  const frames = lazyPart('watches videos', () => import('./watch-frames.ts'))
  const run = async (picture: PictureSource, options?: RunOptions): Promise<TaskResult<A>> => {
    let view: PictureView | undefined
    const result = await runModel(await model(), options, async (manifest, signal) => {
      check(manifest)
      // Measure first: a video may change its size while its frame is copied, and a frame may be closed.
      await whenFetched(picture, signal)
      const full = fullSizeOf(picture)
      const transferable = await toTransferablePicture(picture, readSideOf(manifest), signal)
      const prepared = await background.prepareInputs(manifest, transferable, full)
      view = prepared.view
      return prepared.inputs
    })
    invariant(view !== undefined, 'the picture was not prepared')
    return { answer: await toAnswer({ ...result, view }), route: result.route }
  }
  return {
    run,
    async *watch(source, options) {
      const { watchFrames } = await frames.get()
      const shown = watchFrames(source, options?.signal)
      try {
        for await (const { video, atMs, droppedFrames } of shown) {
          yield { ...(await run(video, options)), atMs, droppedFrames }
        }
      } finally {
        await shown.return()
      }
    },
  }
}
