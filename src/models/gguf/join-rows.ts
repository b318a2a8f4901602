import type { Matrix } from './gguf-matrices.ts'

/** Between the names of matrices that were joined. */
export const joint = '+'

/**
 * Matrices of as many columns as one, row after row.
 *
 * @returns undefined where they are packed in different ways
 */
export function joinRows(matrices: readonly Matrix[]): Matrix | undefined {
  const [first] = matrices
  if (first === undefined || matrices.length === 1) return first
  if (matrices.some(({ format, columns }) => format !== first.format || columns !== first.columns)) return undefined
  return {
    name: matrices.map(({ name }) => name).join(joint),
    format: first.format,
    rows: matrices.reduce((sum, { rows }) => sum + rows, 0),
    columns: first.columns,
    async *slabs() {
      let before = 0
      for (const matrix of matrices) {
        for await (const slab of matrix.slabs()) yield { ...slab, first: before + slab.first }
        before += matrix.rows
      }
    },
  }
}
