import { ValidationError } from '../../errors/validation-error.ts'
import { lazy } from '../../utils/lazy.ts'
import { lazyPart } from '../../utils/lazy-part.ts'
import { deferWriting } from '../generate/defer-writing.ts'
import type { PictureTask, TaskOptions, Tasks, WritingTask } from '../types/task-types.ts'
import { type TaskContext, type TaskParts, toTaskContext } from './task-context.ts'

type Loaded<T> = () => Promise<T>

/** The tasks of a client, each made when it is asked for; its code is fetched when it first answers. */
export function createTaskApi(parts: TaskParts): <K extends keyof Tasks>(name: K, options?: TaskOptions) => Tasks[K] {
  const pictures = lazyPart('reads pictures', () => import('./picture-tasks.ts'))
  const texts = lazyPart('reads text', () => import('./text-task.ts'))
  const voices = lazyPart('hears speech', () => import('./voice-task.ts'))

  /** A task that is made once its code is there. */
  const once = <T>(make: () => Promise<T>): Loaded<T> => {
    const task = lazy(make)
    return () => {
      parts.anticipate()
      return task.get()
    }
  }
  const detectionTask = (context: TaskContext) =>
    pictureTask(once(async () => (await pictures.get()).createDetectionTask(context)))

  const makers: { readonly [K in keyof Tasks]: (options: TaskOptions) => Tasks[K] } = {
    'image-classification': (options) => {
      const context = toTaskContext(parts, 'image-classification', options)
      return pictureTask(once(async () => (await pictures.get()).createClassificationTask(context)))
    },
    'face-detection': (options) => detectionTask(toTaskContext(parts, 'face-detection', options)),
    'object-detection': (options) => detectionTask(toTaskContext(parts, 'object-detection', options)),
    'text-classification': (options) => {
      const context = toTaskContext(parts, 'text-classification', options)
      const task = once(async () => (await texts.get()).createTextTask(context))
      return { run: async (text, runOptions) => (await task()).run(text, runOptions) }
    },
    'text-generation': (options) => {
      const { model, generate } = toTaskContext(parts, 'text-generation', options)
      const write: WritingTask['write'] = (input, writeOptions) =>
        deferWriting(async () => generate(await model(), input, writeOptions))
      return { run: (input, writeOptions) => write(input, writeOptions).done, write }
    },
    'voice-activity': (options) => {
      const context = toTaskContext(parts, 'voice-activity', options)
      const task = once(async () => (await voices.get()).createVoiceTask(context))
      return {
        run: async (sound, runOptions) => (await task()).run(sound, runOptions),
        async *listen(source, runOptions) {
          yield* (await task()).listen(source, runOptions)
        },
      }
    },
    tensors: (options) => {
      const { model, run } = toTaskContext(parts, 'tensors', options)
      return { run: async (inputs, runOptions) => run(await model(), inputs, runOptions) }
    },
  }
  return (name, options = {}) => {
    if (!Object.hasOwn(makers, name)) {
      const known = Object.keys(makers).join(', ')
      throw new ValidationError('options-invalid', `There is no task "${String(name)}". The tasks are ${known}.`)
    }
    return makers[name](options)
  }
}

const pictureTask = <A>(task: Loaded<PictureTask<A>>): PictureTask<A> => ({
  run: async (picture, options) => (await task()).run(picture, options),
  async *watch(source, options) {
    yield* (await task()).watch(source, options)
  },
})
