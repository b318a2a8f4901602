import { ModelError } from '../../errors/model-error.ts'
import type { Classification } from '../../tasks/decode/classify.ts'
import type { Detections } from '../../tasks/decode/detect.ts'
import { plainTensors } from '../request/tensors/tensor-maps.ts'
import type { PictureTask } from '../types/task-types.ts'
import { createPictureTask } from './picture-task.ts'
import type { TaskContext } from './task-context.ts'

export const createClassificationTask = (context: TaskContext): PictureTask<Classification> =>
  createPictureTask(context, async ({ manifest, answer }) => {
    if (answer !== undefined) return answer
    throw new ModelError('manifest-invalid', `The manifest of “${manifest.name}” has no labels.`)
  })

export const createDetectionTask = (context: TaskContext): PictureTask<Detections> =>
  createPictureTask(context, async ({ manifest, outputs, view }) =>
    context.background.detections(manifest, plainTensors(outputs), view),
  )
