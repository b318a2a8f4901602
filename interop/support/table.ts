import { readFile, writeFile } from 'node:fs/promises'
import type { Outcome } from '../checks.ts'

/** One pair that was tried: who asked whom. */
export interface Column {
  readonly title: string
  /** The table that it stands in. Default: by who is asked. */
  readonly group?: string
  readonly outcomes: readonly Outcome[]
}

const words = { works: 'yes', refused: 'refused', fails: '**no**' } as const

const cell = (outcome: Outcome | undefined): string =>
  outcome === undefined ? '–' : `${words[outcome.result]}: ${outcome.detail.replaceAll('|', '/').replaceAll('\n', ' ')}`

/** A table for each pair, with what came of each check. */
export function toMarkdown(tried: {
  readonly columns: readonly Column[]
  readonly versions: readonly string[]
  readonly skipped: readonly string[]
  readonly date: Date
}): string {
  const { columns, versions, skipped, date } = tried
  const groups = new Map<string, Column[]>()
  for (const column of columns) {
    const usual = column.title.endsWith('Hither')
      ? 'Clients of others against our endpoint'
      : (column.title.split(' → ').at(-1) ?? '')
    const { group = usual } = column
    groups.set(group, [...(groups.get(group) ?? []), column])
  }
  const tables = [...groups].map(([group, members]) => {
    const checks = [...new Set(members.flatMap(({ outcomes }) => outcomes.map(({ check }) => check)))]
    const rows = checks.map((check) => [
      check,
      ...members.map(({ outcomes }) => cell(outcomes.find((each) => each.check === check))),
    ])
    const heading = ['check', ...members.map(({ title }) => title)]
    const lines = [heading, heading.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
    return [`### ${group}`, '', ...lines].join('\n')
  })
  const left = skipped.map((line) => `- Skipped: ${line}`).join('\n')
  const run = `Run on ${date.toISOString().slice(0, 10)}. Versions: ${[...new Set(versions)].join(', ')}.`
  return [run, ...(left === '' ? [] : [left]), ...tables].join('\n\n')
}

/** The tables of a page, and the parts of a run that each is made by. */
export const tables = {
  tensors: '<!-- table: npm run interop -- tensors --write -->',
  text: '<!-- table: npm run interop -- text --write -->',
} as const
const to = '<!-- end of the table -->'

/** Puts a table between its marks on a page; what stands around them stays. */
export async function writeTable(path: string, of: keyof typeof tables, table: string): Promise<void> {
  const page = await readFile(path, 'utf8')
  const from = tables[of]
  const at = page.indexOf(from)
  const end = page.indexOf(to, at)
  if (at < 0 || end < 0) throw new Error(`${path} has no place for the table of ${of}`)
  await writeFile(path, `${page.slice(0, at)}${from}\n\n${table}\n\n${page.slice(end)}`)
}
