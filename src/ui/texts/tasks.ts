import { t } from './text.ts'

export const taskIds = ['digits', 'languages', 'intents', 'faces', 'things', 'speech', 'write'] as const
export type TaskId = (typeof taskIds)[number]

/** Which of the library's tasks belong to each way in which a person gives an input. */
interface TasksOfKind {
  readonly drawing: 'image-classification'
  readonly text: 'text-classification'
  readonly picture: 'face-detection' | 'object-detection'
  readonly sound: 'voice-activity'
  readonly writing: 'text-generation'
}

/** How a person gives a task its input. */
export type TaskKind = keyof TasksOfKind

export interface TaskSpecOf<K extends TaskKind> {
  readonly id: TaskId
  readonly kind: K
  readonly task: TasksOfKind[K]
  readonly model: string
}

/** A task of the app: what a person gives, and which model answers. */
export type TaskSpec = { readonly [K in TaskKind]: TaskSpecOf<K> }[TaskKind]

export const taskSpecs: readonly TaskSpec[] = [
  { id: 'digits', kind: 'drawing', task: 'image-classification', model: 'digits' },
  { id: 'languages', kind: 'text', task: 'text-classification', model: 'language-identification' },
  { id: 'intents', kind: 'text', task: 'text-classification', model: 'intents-small' },
  { id: 'faces', kind: 'picture', task: 'face-detection', model: 'ultraface-rfb-320' },
  { id: 'things', kind: 'picture', task: 'object-detection', model: 'fastestdet' },
  { id: 'speech', kind: 'sound', task: 'voice-activity', model: 'silero-vad' },
  { id: 'write', kind: 'writing', task: 'text-generation', model: 'tales' },
]

export const isTaskId = (value: string): value is TaskId => (taskIds as readonly string[]).includes(value)

export const taskTitles = (): Record<TaskId, string> => ({
  digits: t('task.digits', 'Digits'),
  languages: t('task.languages', 'Languages'),
  intents: t('task.intents', 'Intents'),
  faces: t('task.faces', 'Faces'),
  things: t('task.things', 'Things'),
  speech: t('task.speech', 'Speech'),
  write: t('task.write', 'Write'),
})

export const taskHints = (): Record<TaskId, string> => ({
  digits: t('hint.digits', 'Draw one digit, and it is read.'),
  languages: t('hint.languages', 'Type a sentence, and its language is told.'),
  intents: t('hint.intents', 'Ask an assistant for something, and what you want is told.'),
  faces: t('hint.faces', 'Give a picture or the camera, and faces are found.'),
  things: t('hint.things', 'Give a picture or the camera, and people, animals and things are found.'),
  speech: t('hint.speech', 'Speak, or give a recording, and speech is found in it.'),
  write: t('hint.write', 'Begin a text, and a small language model goes on with it, word by word.'),
})
