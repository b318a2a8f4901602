import { ConfigError, createClient } from '../index.ts'
import { followWriting } from '../ui/answers/follow-writing.ts'
import { isTaskId, type TaskSpec, taskIds, taskSpecs } from '../ui/texts/tasks.ts'
import type { EngineEvents, WidgetEngine, WidgetResult } from './engine-types.ts'
import type { EngineInput, EngineOptions } from './messages.ts'

/** Tokens an answer of a widget may have. */
const mostTokens = 400

/** @throws {ConfigError} `config-invalid` */
function specOf(task: string): TaskSpec {
  const spec = isTaskId(task) ? taskSpecs.find(({ id }) => id === task) : undefined
  if (spec !== undefined) return spec
  throw new ConfigError('config-invalid', `The widget has no task “${task}”. It has ${taskIds.join(', ')}.`)
}

/**
 * What answers a widget: a client of the library, whose workers, store and runtime are of the origin that this file
 * came from.
 *
 * @param host folder of the models and, unless an endpoint is named, of the endpoint
 * @throws {ConfigError} there is no such task, or an option can't be used
 */
export function createEngine(host: URL, options: EngineOptions, events: EngineEvents): WidgetEngine {
  const spec = specOf(options.task)
  const model = options.model ?? spec.model
  const client = createClient({
    catalog: new URL('models/catalog.json', host),
    endpoint: { url: options.endpoint ?? new URL('.', host) },
    ...(options.privacy === undefined ? {} : { policy: { privacy: options.privacy } }),
  })
  client.on('progress', (progress) => {
    if (progress.model === model)
      events.onProgress({ loadedBytes: progress.loadedBytes, totalBytes: progress.totalBytes })
  })
  client.on('state', ({ model: changed, state }) => {
    if (changed === model) events.onState(state.status)
  })
  client.on('measured', (route) => {
    if (route.model === model) events.onMeasured(route)
  })

  const write = async (text: string, runOptions: { readonly signal: AbortSignal }): Promise<WidgetResult> => {
    const entry = (await client.models.list()).find(({ name }) => name === model)
    const isChat = entry?.writes === 'chat'
    const given = isChat ? { messages: [{ role: 'user', content: text } as const] } : { prompt: text }
    const writing = client.generate(model, given, { whenFull: 'drop-oldest', maxTokens: mostTokens, ...runOptions })
    const followed = followWriting()
    for await (const part of writing) {
      followed.take(part)
      events.onText(followed.written)
    }
    const { text: whole, finishReason, route } = await writing.done
    runOptions.signal.throwIfAborted()
    if (route === undefined) throw new ConfigError('client-closed', 'The client was closed.')
    return { answer: followed.end({ text: whole, finishReason }), route }
  }
  const ask = async (input: EngineInput, runOptions: { readonly signal: AbortSignal }): Promise<WidgetResult> => {
    if (spec.task === 'text-classification') {
      if (input.kind !== 'text') throw wrongInput('a text')
      return client.task(spec.task, { model }).run(input.text, runOptions)
    }
    if (spec.task === 'text-generation') {
      if (input.kind !== 'text') throw wrongInput('a text')
      return write(input.text, runOptions)
    }
    if (spec.task === 'voice-activity') {
      if (input.kind !== 'sound') throw wrongInput('a sound')
      return client.task(spec.task, { model }).run(input.sound, runOptions)
    }
    if (input.kind !== 'picture') throw wrongInput('a picture')
    return client.task(spec.task, { model }).run(input.picture, runOptions)
  }

  return {
    run: (input, { signal, privacy }) => ask(input, { signal, ...(privacy === undefined ? {} : { privacy }) }),
    prepare: () => client.prepare(model),
    close: () => void client.close(),
  }
}

const wrongInput = (wanted: string) => new ConfigError('config-invalid', `This widget’s task needs ${wanted}.`)
