import type { Classification, Client, Detections, PictureSource, RouteRecord, RunOptions } from '../../index.ts'
import type { Written } from '../../ui/answers/follow-writing.ts'
import type { Speech } from '../../ui/answers/speech-timeline.ts'
import { nextTask } from '../../ui/base/next-task.ts'
import type { TaskKind, TaskSpecOf } from '../../ui/texts/tasks.ts'
import { type WritingInput, writeAnswer } from './write-answer.ts'

/** What a person gives a task of each kind. */
export interface TaskInputs {
  readonly drawing: { readonly picture: PictureSource }
  readonly text: { readonly text: string }
  readonly picture: { readonly picture: PictureSource } | { readonly camera: MediaStream }
  readonly sound: { readonly recording: Blob } | { readonly microphone: MediaStream }
  readonly writing: WritingInput
}

export interface TaskAnswers {
  readonly drawing: Classification
  readonly text: Classification
  readonly picture: Detections
  readonly sound: Speech
  readonly writing: Written
}

/** Takes an answer; of a stream, one answer after the other. A text has its route when it has ended. */
export type ShowAnswer<K extends TaskKind> = (answer: TaskAnswers[K], route: RouteRecord | undefined) => void

type TaskRunner<K extends TaskKind> = (
  client: Client,
  spec: TaskSpecOf<K>,
  input: TaskInputs[K],
  options: RunOptions,
  show: ShowAnswer<K>,
) => Promise<void>

/** How often the timeline of a sound is shown anew, in milliseconds. */
const shownEveryMs = 80

/** Runs an input of each kind. An answer's arrival and its showing are separate tasks, so that the page can react in between. */
export const taskRunners: { readonly [K in TaskKind]: TaskRunner<K> } = {
  async drawing(client, { task, model }, { picture }, options, show) {
    const { answer, route } = await client.task(task, { model }).run(picture, options)
    await nextTask()
    show(answer, route)
  },

  async text(client, { task, model }, { text }, options, show) {
    const { answer, route } = await client.task(task, { model }).run(text, options)
    await nextTask()
    show(answer, route)
  },

  async picture(client, { task, model }, input, options, show) {
    const pictures = client.task(task, { model })
    if ('camera' in input) {
      for await (const { answer, route } of pictures.watch(input.camera, options)) show(answer, route)
      return
    }
    const { answer, route } = await pictures.run(input.picture, options)
    await nextTask()
    show(answer, route)
  },

  async sound(client, { task, model }, input, options, show) {
    const isLive = 'microphone' in input
    const moments = client.task(task, { model }).listen(isLive ? input.microphone : input.recording, options)
    const probabilities: number[] = []
    let shownAtMs = 0
    let showLast: (() => void) | undefined
    for await (const { probability, lengthMs, active, segments, route } of moments) {
      probabilities.push(probability)
      showLast = () =>
        show({ windowMs: lengthMs, probabilities, segments: segments(), ...(isLive ? { active } : {}) }, route)
      if (performance.now() - shownAtMs < shownEveryMs) continue
      shownAtMs = performance.now()
      showLast()
    }
    showLast?.()
  },
  writing: (client, { model }, input, options, show) => writeAnswer(client, model, input, options, show),
}
