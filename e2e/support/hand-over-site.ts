import type { Page } from '@playwright/test'
import { createEndpoint } from 'hither-endpoint'
import { openCuttingProxy } from '../../src/testing/cutting-proxy.ts'
import { hasStoriesModel } from '../../src/testing/stories-model.ts'
import type { Hither } from '../plain-project/main.ts'
import { writeEngineModels } from './engine-models.ts'
import { buildPlainProject } from './plain-project.ts'
import { serveApp } from './served.ts'

declare const hither: Hither

/** The trained model where it is there, else one that writes nonsense, always the same. */
export const storyteller = hasStoriesModel ? 'stories' : 'writer'
/** A token of the endpoint, in milliseconds: a fast server's, and slow enough to meet its answer in the midst. */
const tokenMs = 5

/**
 * The plain project on a server of its own, and `hither serve` in a process behind a socket that can be cut: one model on
 * both sides.
 */
export async function openHandOverSite() {
  const { appDir } = buildPlainProject()
  const models = await writeEngineModels()
  const { modelsDir } = models
  const proxy = await openCuttingProxy('http://127.0.0.1:9')
  const pages = await createEndpoint({ modelsDir, appDir, workers: 1, connectTo: [proxy.url], logger: false })
  const { port } = await pages.listen({ port: 0, host: '127.0.0.1' })
  const origin = `http://localhost:${port}`
  const served = await serveApp({ appDir, modelsDir, args: ['--allow-origin', origin] })
  proxy.pointTo(served.port())
  proxy.pace(tokenMs)
  return {
    proxy,
    /** Opens the page, and a client in it. */
    async openClient(page: Page) {
      await page.goto(origin)
      await page.evaluate((url) => hither.open({ endpoint: { url } }), proxy.url)
    },
    /** Has the next answer begin at the endpoint: the model is stored here, and has to be loaded. */
    async unload(page: Page) {
      await page.evaluate((model) => hither.client?.models.remove(model), storyteller)
      await page.evaluate((model) => hither.client?.models.download(model), storyteller)
    },
    /** The endpoint's process is gone at once. */
    killEndpoint: () => void served.signal('SIGKILL'),
    async restartEndpoint() {
      await served.restart()
      proxy.pointTo(served.port())
    },
    async close() {
      await proxy.close()
      await served.close()
      await pages.close()
      models.remove()
    },
  }
}

export type HandOverSite = Awaited<ReturnType<typeof openHandOverSite>>
