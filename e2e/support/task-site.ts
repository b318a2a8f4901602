import { buildPlainProject } from './plain-project.ts'
import { openSite } from './site.ts'
import { openTaskModels } from './task-models.ts'

/** The plain project with the models of the tasks, on a link that decides nothing. */
export async function openTaskSite() {
  const models = await openTaskModels()
  const link = { roundTripMs: 1, bitsPerSecond: 1e9 }
  const site = await openSite({ appDir: buildPlainProject().appDir, modelsDir: models.modelsDir, link })
  return {
    models,
    origin: site.origin,
    endpointOrigin: site.endpointOrigin,
    async close() {
      await site.close()
      models.close()
    },
  }
}

export type TaskSite = Awaited<ReturnType<typeof openTaskSite>>
