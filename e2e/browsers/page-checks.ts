import { openSite } from '../support/site.ts'
import { type BrowserDriver, until } from './browser-driver.ts'
import type { Check } from './task-checks.ts'

/** The element of a test id, in whatever shadow root it lies. */
const find = (testId: string) => `(function find(root) {
  for (const element of root.querySelectorAll('*')) {
    if (element.dataset?.testid === ${JSON.stringify(testId)}) return element
    const inner = element.shadowRoot && find(element.shadowRoot)
    if (inner) return inner
  }
})(document)`

const becomesReady = (driver: BrowserDriver) => until(driver, `${find('model-status')}?.dataset.status === 'ready'`)

async function pick(driver: BrowserDriver, digit: number): Promise<string> {
  await until(driver, `${find(`sample-${digit}`)} !== undefined`)
  await driver.evaluate(`void ${find(`sample-${digit}`)}.click()`)
  await until(driver, `${find('answer')}?.textContent.includes('${digit}')`)
  return String(await until(driver, `${find('badge')}?.dataset.arm`))
}

/** The built page itself. */
export const pageChecks: readonly Check[] = [
  {
    name: 'the page answers a sample',
    async run(driver) {
      const site = await openSite()
      try {
        await driver.goto(site.url())
        await pick(driver, 7)
      } finally {
        await site.close()
      }
    },
  },
  {
    name: 'after one visit it works with its server gone',
    async run(driver) {
      const site = await openSite()
      let open = true
      const stop = async () => {
        if (open) await site.close()
        open = false
      }
      try {
        await driver.goto(site.url())
        await becomesReady(driver)
        await driver.evaluate('navigator.serviceWorker.ready.then(() => true)')
        await until(driver, `caches.open('hither-runtime').then(async (cache) => (await cache.keys()).length >= 2)`)
        await stop()
        await driver.goto(site.url())
        await becomesReady(driver)
        const arm = await pick(driver, 2)
        if (arm !== 'edge') throw new Error(`answered by ${arm}`)
      } finally {
        await stop()
      }
    },
  },
]
