import { documentedPolicy, openEmbeddingSite } from '../support/embedding-site.ts'
import { type BrowserDriver, until } from './browser-driver.ts'
import { arms, type Check, expectSame, type Privacy } from './task-checks.ts'

const sentence = 'Mañana por la mañana iremos al mercado a comprar pan.'

/** What a widget that was asked says, once it has said anything. */
async function ask(driver: BrowserDriver, privacy: Privacy): Promise<unknown> {
  await driver.evaluate(`void customElements.whenDefined('hither-widget').then(() => {
    const widget = document.querySelector('hither-widget')
    widget.setAttribute('privacy', '${privacy}')
    document.documentElement.dataset.said = ''
    widget.run(${JSON.stringify(sentence)}).then(
      ({ answer, route }) => { document.documentElement.dataset.said = answer.label + ' ' + route.ran },
      (error) => { document.documentElement.dataset.said = String(error) })
  })`)
  return until(driver, 'document.documentElement.dataset.said')
}

/** The widget of another origin's endpoint. */
export const widgetChecks: readonly Check[] = [
  {
    name: 'the widget on a page of another origin, under the documented policy',
    async run(driver) {
      const site = await openEmbeddingSite()
      try {
        const policy = `default-src 'none'; ${documentedPolicy(site.host)}`
        const body = `${site.script}<hither-widget task="languages"></hither-widget>`
        await driver.goto(site.show('/', { headers: { 'Content-Security-Policy': policy }, body }))
        for (const privacy of Object.keys(arms) as Privacy[]) {
          expectSame(await ask(driver, privacy), `es ${arms[privacy]}`)
        }
        expectSame(await driver.evaluate(`document.querySelectorAll('iframe[src^="${site.host}/"]').length`), 1)
      } finally {
        await site.close()
      }
    },
  },
]
