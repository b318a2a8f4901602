import { readFile, writeFile } from 'node:fs/promises'
import type { Outcome } from '../checks.ts'

/** One pair that was tried: who asked whom. */
export interface Column {
  readonly title: string
  readonly outcomes: readonly Outcome[]
}

const words = { works: 'yes', refused: 'refused', fails: '**no**' } as const

const cell = (outcome: Outcome | undefined): string =>
  outcome === undefined ? '–' : `${words[outcome.result]}: ${outcome.detail.replaceAll('|', '/').replaceAll('\n', ' ')}`

/** A table for each pair, with what came of each check. */
export function toMarkdown(run: {
  readonly columns: readonly Column[]
  readonly versions: readonly string[]
  readonly skipped: readonly string[]
}): string {
  const { columns, versions, skipped } = run
  const groups = new Map<string, Column[]>()
  for (const column of columns) {
    const group = column.title.endsWith('Hither')
      ? 'Clients of others against our endpoint'
      : (column.title.split(' → ').at(-1) ?? '')
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
  return [`Versions: ${versions.join(', ')}.`, ...(left === '' ? [] : [left]), ...tables].join('\n\n')
}

const [from, to] = ['<!-- table: npm run interop -- --write -->', '<!-- end of the table -->']

/** Puts the table between the marks of a page; what stands around them stays. */
export async function writeTable(path: string, table: string): Promise<void> {
  const page = await readFile(path, 'utf8')
  const [head, rest = ''] = page.split(from)
  const [, tail = ''] = rest.split(to)
  await writeFile(path, `${head}${from}\n\n${table}\n\n${to}${tail}`)
}
