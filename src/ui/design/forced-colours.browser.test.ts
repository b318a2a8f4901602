import { afterAll, beforeAll, expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import type { RouteRecord } from '../../index.ts'
import '../answers/digit-answer.ts'
import '../answers/picture-finds.ts'
import '../answers/ranking-view.ts'
import '../route/prediction-chart.ts'
import '../route/time-parts.ts'
import { widgetStyles } from '../../widget/widget-styles.ts'
import './tokens.css'

/** Emulates a contrast theme, in which browsers take away the backgrounds that a page has set. */
const force = (value: 'active' | 'none') =>
  (cdp() as unknown as { send(method: string, args: object): Promise<void> }).send('Emulation.setEmulatedMedia', {
    features: [{ name: 'forced-colors', value }],
  })
beforeAll(() => force('active'))
afterAll(() => force('none'))

const classes = [
  { label: '7', probability: 0.9 },
  { label: '1', probability: 0.1 },
]
const answer = { label: '7', probability: 0.9, classes }
const parts = { uploadMs: 5, queueMs: 5, computeMs: 5, downloadMs: 5 }
const predicted = { edge: { meanMs: 5, p90Ms: 9 }, cloud: { meanMs: 6, p90Ms: 8 } }

async function show(name: string, properties: object): Promise<ShadowRoot> {
  const element = Object.assign(document.createElement(name), properties)
  document.body.append(element)
  await (element as HTMLElement & { readonly updateComplete: Promise<unknown> }).updateComplete
  return element.shadowRoot as ShadowRoot
}
/** What the system's own keyword is in this theme. */
function system(keyword: string): string {
  const probe = document.createElement('p')
  probe.style.color = keyword
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
const backgrounds = (root: ParentNode, selector: string): string[] =>
  [...root.querySelectorAll(selector)].map((element) => getComputedStyle(element).backgroundColor)

test.each<[string, object, string]>([
  ['hither-answer', { answer }, '.bar'],
  ['hither-ranking', { answer }, '.bar'],
  ['hither-prediction', { predicted, ran: 'edge', actualMs: 7 }, '.mean, .whisker, .actual'],
  ['hither-parts', { route: { parts, actualMs: 25 } as RouteRecord }, '.bar div, li i'],
])('in a contrast theme, what %s draws is seen', async (name, properties, selector) => {
  expect(matchMedia('(forced-colors: active)').matches).toBe(true)
  const drawn = backgrounds(await show(name, properties), selector)
  expect(drawn.length).toBeGreaterThan(1)
  for (const colour of drawn) expect([system('Canvas'), 'rgba(0, 0, 0, 0)']).not.toContain(colour)
})

test('in a contrast theme, edge and cloud have colours of the system, and two of them', async () => {
  const root = await show('hither-prediction', { predicted, ran: 'edge', actualMs: 7 })
  expect(backgrounds(root, '.mean')).toEqual([system('Highlight'), system('GrayText')])
})

test('in a contrast theme, a pressed button, the page that is shown and boxes in a picture stand out', async () => {
  const root = await show('hither-finds', {})
  root.innerHTML = '<button aria-pressed="true">a</button><a aria-current="page">b</a><div class="box drawn"></div>'
  for (const element of root.querySelectorAll('button, a')) {
    const { color, backgroundColor } = getComputedStyle(element)
    expect([color, backgroundColor]).toEqual([system('HighlightText'), system('Highlight')])
  }
  const box = root.querySelector('.box') as HTMLElement
  expect(getComputedStyle(box).borderColor).toBe('rgb(255, 255, 255)')
  expect(getComputedStyle(box).boxShadow).not.toBe('none')
})

test.each(['light', 'dark', ''])('the widget follows a contrast theme, its theme set to “%s”', (theme) => {
  const host = document.createElement('div')
  host.setAttribute('theme', theme)
  const root = host.attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [widgetStyles.styleSheet as CSSStyleSheet]
  document.body.append(host)
  const value = (name: string) => getComputedStyle(host).getPropertyValue(name).trim()
  expect(['--edge', '--cloud', '--text', '--surface'].map(value)).toEqual([
    'Highlight',
    'GrayText',
    'CanvasText',
    'Canvas',
  ])
  // The drawing is read from its canvas: paper and ink are painted, and stay a light and a dark one.
  expect(value('--pad-paper')).not.toBe(value('--pad-ink'))
})
