import { readSideOf } from '../../tasks/pictures/picture-limits.ts'
import type { PictureSource } from '../../tasks/pictures/picture-source.ts'
import type { PictureView } from '../../tasks/pictures/picture-view.ts'
import { fullSizeOf, toTransferablePicture, whenFetched } from '../../tasks/pictures/to-transferable-picture.ts'
import type { RunOptions } from '../types/run-types.ts'
import type { PictureTask, TaskResult } from '../types/task-types.ts'
import type { AskModel, TaskContext } from './task-api.ts'

type Asked = Awaited<ReturnType<AskModel>> & { readonly view: PictureView }

/**
 * A task about pictures.
 *
 * @param toAnswer the outputs as an answer; `view` tells how the picture lay in the input
 */
export function createPictureTask<A>(
  { ask, background, model, check }: TaskContext,
  toAnswer: (asked: Asked) => Promise<A>,
): PictureTask<A> {
  const run = async (picture: PictureSource, options?: RunOptions): Promise<TaskResult<A>> => {
    let view: PictureView | undefined
    const result = await ask(await model(), options, async (manifest, signal) => {
      check(manifest)
      // Measured first: a video's size may change while its frame is copied, a frame may be closed.
      await whenFetched(picture, signal)
      const full = fullSizeOf(picture)
      const transferable = await toTransferablePicture(picture, readSideOf(manifest), signal)
      const prepared = await background.prepareInputs(manifest, transferable, full)
      view = prepared.view
      return prepared.inputs
    })
    if (view === undefined) throw new TypeError('the picture was not prepared')
    return { answer: await toAnswer({ ...result, view }), route: result.route }
  }
  return {
    run,
    async *watch(source, options) {
      const { watchFrames } = await import('./watch-frames.ts')
      const frames = watchFrames(source, options?.signal)
      try {
        for await (const { video, atMs, droppedFrames } of frames) {
          yield { ...(await run(video, options)), atMs, droppedFrames }
        }
      } finally {
        await frames.return()
      }
    },
  }
}
