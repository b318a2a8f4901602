import { readFileSync } from 'node:fs'
import { type Browser, chromium, expect, type Page, test } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { Hither } from './plain-project/main.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'

declare const hither: Hither

let site: Site
/** A browser with a software WebGPU adapter. */
let adapted: Browser

test.beforeAll(async () => {
  site = await openSite({ appDir: buildPlainProject().appDir })
  const args = [...browserArgs, '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
  adapted = await chromium.launch({ executablePath: findBrowser(), args })
})
test.afterAll(async () => {
  await adapted.close()
  await site.close()
})

const texts = ['How much money is left in my checking account?', 'Ничего не понимаю, 😀 шутка ли это — שלום?', 'a']

/** Every probability of each text, and where it ran. */
async function readTexts(page: Page, model: string, backend: 'wasm' | 'webgpu') {
  await page.goto(site.origin)
  await page.evaluate((given) => hither.open(given), { runtime: { backends: [backend] } })
  return page.evaluate(
    ([name, all]) =>
      hither.settle(async (client) => {
        const task = client.task('text-classification', { model: name })
        const answers = []
        for (const text of all) {
          const { answer, route } = await task.run(text, { privacy: 'edge-only', cascade: false })
          answers.push({
            backend: route.backend,
            label: answer.label,
            classes: Object.fromEntries(answer.classes.map(({ label, probability }) => [label, probability])),
          })
        }
        return answers
      }),
    [model, texts] as const,
  )
}

for (const model of ['language-identification', 'intents-small', 'intents-large']) {
  test(`${model} reads texts alike on WebGPU and on WASM`, async ({ page }) => {
    const path = `packages/hither-models/models/${model}/1/manifest.json`
    const { tolerance } = JSON.parse(readFileSync(path, 'utf8')) as { tolerance: { absolute: number } }
    const onWasm = await readTexts(page, model, 'wasm')
    const other = await adapted.newPage()
    const onWebgpu = await readTexts(other, model, 'webgpu')
    await other.close()
    if ('error' in onWasm) throw new Error(onWasm.error.join(' '))
    if ('error' in onWebgpu) throw new Error(onWebgpu.error.join(' '))
    expect(onWasm.map(({ backend }) => backend)).toEqual(texts.map(() => 'wasm'))
    expect(onWebgpu.map(({ backend }) => backend)).toEqual(texts.map(() => 'webgpu'))
    onWasm.forEach(({ label, classes }, index) => {
      const there = onWebgpu[index]
      expect(there?.label).toBe(label)
      const differences = Object.entries(classes).map(([name, value]) => Math.abs(value - (there?.classes[name] ?? 9)))
      console.log(`${model}, text ${index + 1}: largest difference ${Math.max(...differences).toExponential(2)}`)
      expect(differences.length).toBeGreaterThan(70)
      expect(Math.max(...differences)).toBeLessThan(tolerance.absolute)
    })
  })
}
