import { expect, it } from 'vitest'
import type { Client } from '../../index.ts'
import { fakeRoute } from '../../testing/fake-client.ts'
import { type TaskKind, type TaskSpec, type TaskSpecOf, taskSpecs } from '../../ui/texts/tasks.ts'
import { type TaskInputs, taskRunners } from './task-runners.ts'

const route = fakeRoute()

async function* streamOf<T>(items: readonly T[]) {
  yield* items
}

/** A client whose tasks say how they were called, with what they answer. */
function fakeTasks(answers: readonly object[]) {
  const calls: unknown[][] = []
  const client = {
    task: (task: string, { model }: { readonly model: string }) => ({
      async run(given: unknown, options: object) {
        calls.push(['run', task, model, given, options])
        return { ...answers[0], route }
      },
      watch(given: unknown, options: object) {
        calls.push(['watch', task, model, given, options])
        return streamOf(answers.map((answer) => ({ ...answer, route })))
      },
      listen(given: unknown, options: object) {
        calls.push(['listen', task, model, given, options])
        return streamOf(answers.map((answer) => ({ ...answer, route })))
      },
    }),
  }
  return { client: client as unknown as Client, calls }
}

const specOf = <K extends TaskKind>(kind: K, id: string) =>
  taskSpecs.find((spec: TaskSpec) => spec.kind === kind && spec.id === id) as TaskSpecOf<K>

async function run<K extends TaskKind>(kind: K, id: string, input: TaskInputs[K], answers: readonly object[]) {
  const { client, calls } = fakeTasks(answers)
  const shown: unknown[] = []
  const options = { privacy: 'edge-only' } as const
  await taskRunners[kind](client, specOf(kind, id), input, options, (answer, of) => {
    expect(of).toBe(route)
    shown.push(answer)
  })
  expect(calls.map((call) => call.at(-1))).toEqual([options])
  return { call: calls[0]?.slice(0, -1), shown }
}

const picture = new Blob()
const stream = { id: 'a stream' } as MediaStream

it.each([
  ['drawing', 'digits', { picture }, ['run', 'image-classification', 'digits', picture]],
  ['text', 'languages', { text: 'Guten Tag' }, ['run', 'text-classification', 'language-identification', 'Guten Tag']],
  ['picture', 'faces', { picture }, ['run', 'face-detection', 'ultraface-rfb-320', picture]],
  ['picture', 'things', { picture }, ['run', 'object-detection', 'fastestdet', picture]],
] as const)('%s of %s: one run, one answer', async (kind, id, input, call) => {
  const result = await run<TaskKind>(kind, id, input, [{ answer: 'an answer' }])
  expect(result).toEqual({ call, shown: ['an answer'] })
})

it('a camera is watched, and each of its answers is shown', async () => {
  const { call, shown } = await run('picture', 'faces', { camera: stream }, [{ answer: 1 }, { answer: 2 }])
  expect(call).toEqual(['watch', 'face-detection', 'ultraface-rfb-320', stream])
  expect(shown).toEqual([1, 2])
})

const moments = [0.1, 0.9, 0.8].map((probability, index) => ({
  probability,
  lengthMs: 32,
  active: index > 0,
  segments: () => [{ startMs: 32, endMs: 32 * (index + 1) }],
}))

it('a recording is heard to its end, and the last of it is shown in any case', async () => {
  const { call, shown } = await run('sound', 'speech', { recording: picture }, moments)
  expect(call).toEqual(['listen', 'voice-activity', 'silero-vad', picture])
  expect(shown.at(-1)).toEqual({
    windowMs: 32,
    probabilities: [0.1, 0.9, 0.8],
    segments: [{ startMs: 32, endMs: 96 }],
  })
})

it('of a microphone it also says whether somebody speaks now', async () => {
  const { call, shown } = await run('sound', 'speech', { microphone: stream }, moments)
  expect(call?.[0]).toBe('listen')
  expect(shown.at(-1)).toMatchObject({ active: true })
})

it('silence of no length shows nothing', async () => {
  expect((await run('sound', 'speech', { recording: picture }, [])).shown).toEqual([])
})
