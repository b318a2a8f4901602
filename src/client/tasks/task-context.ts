import type { Manifest, TaskName } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { Background } from '../background/create-background.ts'
import type { RunModel } from '../request/model-run.ts'
import type { Client } from '../types/client-types.ts'
import type { TaskOptions } from '../types/task-types.ts'

/** What the tasks need of the client. */
export interface TaskParts {
  readonly runModel: RunModel
  readonly run: Client['run']
  readonly generate: Client['generate']
  readonly background: Background
  /** Rejects once the client is closed. */
  readonly open: () => Promise<void>
  /** Begins to fetch what every request needs, beside the task's own code. */
  readonly anticipate: () => void
}

/** One task with one model. */
export interface TaskContext extends TaskParts {
  /** Name of the model that answers. */
  model(): Promise<string>
  /** @throws {ValidationError} `options-invalid` when the model is of another task */
  check(manifest: Manifest): void
}

export function toTaskContext(parts: TaskParts, task: TaskName, { model }: TaskOptions): TaskContext {
  return {
    ...parts,
    async model() {
      if (model !== undefined) return model
      await parts.open()
      const first = await parts.background.modelFor(task)
      if (first !== undefined) return first
      throw new ValidationError('unknown-model', `The catalogue has no model for ${task}. Name one in "model".`)
    },
    check(manifest) {
      if (manifest.task === task) return
      throw new ValidationError('options-invalid', `The model "${manifest.name}" is for ${manifest.task}, not ${task}.`)
    },
  }
}
