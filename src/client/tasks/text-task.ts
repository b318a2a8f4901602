import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { headOf } from '../../tasks/text/text-to-tensor.ts'
import type { TextTask } from '../types/task-types.ts'
import type { TaskContext } from './task-context.ts'

/** A task about text. */
export function createTextTask({ runModel, background, model, check }: TaskContext): TextTask {
  return {
    async run(text, options) {
      if (typeof text !== 'string') throw new ValidationError('input-type', 'A text is needed.')
      const { manifest, answer, route } = await runModel(await model(), options, async (manifest) => {
        check(manifest)
        const { preprocessing } = manifest
        if (preprocessing?.kind !== 'text') {
          throw new ValidationError('input-unexpected', `The model “${manifest.name}” takes no text.`)
        }
        // Only as much as the model reads: a text of 10 MB is not copied to the worker.
        return background.prepareText(manifest, headOf(text, preprocessing))
      })
      if (answer !== undefined) return { answer, route }
      throw new ModelError('manifest-invalid', `The manifest of “${manifest.name}” has no labels.`)
    },
  }
}
