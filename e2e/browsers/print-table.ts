/** How one check went in one browser. */
export interface Row {
  readonly check: string
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly detail?: string
}

interface Column {
  readonly name: string
  readonly facts: unknown
  readonly rows: readonly Row[]
}

/** A Markdown table with a column for each browser. */
export function printTable(columns: readonly Column[]): void {
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)
  const checks = [...new Set(columns.flatMap(({ rows }) => rows.map(({ check }) => check)))]
  line(['', ...columns.map(({ name }) => name)])
  line(['---', ...columns.map(() => '---')])
  for (const check of checks) {
    line([check, ...columns.map(({ rows }) => rows.find((row) => row.check === check)?.state ?? '–')])
  }
  for (const [fact, says] of [
    ['isolated', 'cross-origin isolated'],
    ['threads', 'WASM threads'],
    ['webgpu', 'navigator.gpu'],
    ['jspi', 'JSPI'],
  ] as const) {
    line([says, ...columns.map(({ facts }) => ((facts as Record<string, boolean> | undefined)?.[fact] ? 'yes' : 'no'))])
  }
}
