import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

test('34: what is given up is cut off on its way, and its answer comes no more', async ({ page }) => {
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let asked = 0
  await page.route('**/infer', async (route) => {
    asked += 1
    if (asked === 1) await held
    await route.continue().catch(() => {})
  })
  const cut: string[] = []
  page.on('requestfailed', (request) => cut.push(request.failure()?.errorText ?? ''))
  await page.goto(site.url('privacy=cloud-only'))
  const app = openAppPage(page)
  await page.getByTestId('sample-3').click()
  await expect(app.app).toHaveAttribute('data-state', 'running')
  await expect.poll(() => asked).toBe(1)
  await app.app.getByTestId('clear').click()
  await expect(app.app).toHaveAttribute('data-state', 'idle')
  await expect.poll(() => cut).toContain('net::ERR_ABORTED')
  letGo()
  await app.pick(8)
  await expect(app.answer).toContainText('8')
  expect(await app.runs()).toBe(1)
  await page.getByTestId('nav-routes').click()
  await expect(page.getByTestId('routes').locator('tbody tr')).toHaveCount(1)
})

test('51: what must stay here is on no wire and in no storage, also when this device fails', async ({ page }) => {
  const secret = 'Der Schlüssel liegt unter dem blauen Stein'
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`))
  // The runtime can’t be fetched: nothing can run here.
  await page.context().route('**/ort-wasm-*', (route) => route.abort())
  await page.goto(`${site.url('privacy=edge-only')}#/task/languages`)
  const card = page.locator('text-card')
  await card.getByTestId('text').fill(secret)
  await expect(card).toHaveAttribute('data-state', 'error')
  await expect(card.getByTestId('error')).toHaveAttribute('data-code', /.+/)
  // What waits for the endpoint is what it would be told; the page that hides says it.
  await page.goto('about:blank')
  await page.goto(site.url('privacy=edge-only'))
  const kept = await page.evaluate(async () => {
    const records: unknown[] = []
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name ?? '')
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      for (const store of database.objectStoreNames) {
        records.push(
          await new Promise((resolve) => {
            const request = database.transaction(store).objectStore(store).getAll()
            request.onsuccess = () => resolve(request.result)
          }),
        )
      }
      database.close()
    }
    return JSON.stringify([records, { ...localStorage }, { ...sessionStorage }])
  })
  expect(kept).toContain('language-identification')
  for (const text of [kept, ...sent]) expect(text).not.toContain('blauen')
  expect(sent.filter((text) => text.includes('/infer'))).toEqual([])
})
