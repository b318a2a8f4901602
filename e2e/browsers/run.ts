// The product in Chromium, Firefox and WebKit: every task on both arms, what the page does without its server, and the
// widget on a page of another origin.
import { buildPlainProject } from '../support/plain-project.ts'
import { openSite } from '../support/site.ts'
import { openTaskModels } from '../support/task-models.ts'
import { type BrowserDriver, until } from './browser-driver.ts'
import { type BrowserName, browserNames, openBrowser } from './find-browsers.ts'
import { pageChecks } from './page-checks.ts'
import { printTable, type Row } from './print-table.ts'
import { taskChecks } from './task-checks.ts'
import { widgetChecks } from './widget-checks.ts'

const asked = process.argv.slice(2)
const names = asked.length === 0 ? browserNames : browserNames.filter((name) => asked.includes(name))
if (names.length === 0) throw new Error(`no such browser; there are ${browserNames.join(', ')}`)

const link = { roundTripMs: 1, bitsPerSecond: 1e9 }
const project = buildPlainProject()
const models = await openTaskModels()

async function askTasks(driver: BrowserDriver, note: (row: Row) => void): Promise<unknown> {
  const site = await openSite({ appDir: project.appDir, modelsDir: models.modelsDir, link, connectTo: [models.origin] })
  try {
    await driver.goto(site.origin)
    // WebKit may say that a page has loaded before its modules have run.
    await until(driver, `typeof hither !== 'undefined'`)
    await driver.evaluate(`hither.open({ endpoint: { url: ${JSON.stringify(site.endpointOrigin)} } })`)
    const facts = await driver.evaluate('hither.smoke.facts()')
    for (const check of taskChecks) note(await outcome(check.name, check.missing, () => check.run(driver)))
    return facts
  } finally {
    await site.close()
  }
}

async function outcome(check: string, missing: string | undefined, run: () => Promise<void>): Promise<Row> {
  if (missing !== undefined) return { check, state: 'skipped', detail: missing }
  try {
    await run()
    return { check, state: 'passed' }
  } catch (error) {
    return { check, state: 'failed', detail: error instanceof Error ? error.message : String(error) }
  }
}

async function ask(name: BrowserName) {
  const rows: Row[] = []
  const note = (row: Row) => {
    rows.push(row)
    process.stderr.write(`${name}: ${row.check}: ${row.state}${row.detail ? ` (${row.detail})` : ''}\n`)
  }
  let driver: BrowserDriver | undefined
  try {
    driver = await openBrowser(name)
    const facts = await askTasks(driver, note)
    for (const check of [...pageChecks, ...widgetChecks]) {
      const opened = driver
      note(await outcome(check.name, undefined, () => check.run(opened)))
    }
    return { name: driver.name, facts, rows }
  } catch (error) {
    note({ check: 'starts', state: 'failed', detail: error instanceof Error ? error.message : String(error) })
    return { name, facts: undefined, rows }
  } finally {
    await driver?.close()
  }
}

try {
  const columns = []
  for (const name of names) columns.push(await ask(name))
  printTable(columns)
  process.exitCode = columns.some(({ rows }) => rows.some(({ state }) => state === 'failed')) ? 1 : 0
} finally {
  models.close()
}
