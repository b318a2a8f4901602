import type { FastifyInstance } from 'fastify'
import type { ModelEntry } from '../../protocol/openai/model-entry.ts'
import type { EndpointPlugin, PluginContext } from '../plugin/endpoint-plugin.ts'
import { type OpenAiFront, openOpenAiFront } from './openai-front.ts'

/** What models of one kind answer of the OpenAI API. */
export interface OpenAiPart {
  /** Those that can run now, as `GET /v1/models` lists them. */
  models(): Promise<readonly ModelEntry[]>
  register(app: FastifyInstance, context: PluginContext, front: OpenAiFront): void
}

const bodyLimitBytes = 4 * 1024 * 1024

/** The OpenAI API of the models that run here: `GET /v1/models`, and what its parts add. */
export function createOpenAiPlugin(parts: readonly OpenAiPart[], nowMs: () => number = Date.now): EndpointPlugin {
  const created = Math.floor(nowMs() / 1000)
  return {
    name: 'openai',
    register(app, context) {
      const front = openOpenAiFront(app, context, { bodyLimitBytes })
      front.addModels(async () => {
        const listed = (await Promise.all(parts.map((part) => part.models()))).flat()
        // The first of a name is the one that answers.
        const firsts = listed.filter(({ id }, index) => listed.findIndex((other) => other.id === id) === index)
        return firsts.map(({ id, ...facts }) => ({ id, object: 'model', created, owned_by: 'hither', ...facts }))
      })
      for (const part of parts) part.register(app, context, front)
    },
  }
}
