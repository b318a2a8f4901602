import type { Plane } from './plane.ts'

interface Piece {
  readonly pixels: number[]
  mass: number
  touchesEdge: boolean
}

/** A piece with less than this share of the heaviest one's ink is dust. */
const speckShare = 0.03

/** A piece inside the picture with at least this share of the heaviest one's ink is the drawing itself. */
const drawingShare = 0.15

/** Pixels above zero that touch one another, diagonals included. */
function piecesOf({ width, height, data }: Plane): Piece[] {
  const seen = new Uint8Array(data.length)
  const pieces: Piece[] = []
  for (let start = 0; start < data.length; start += 1) {
    if (seen[start] === 1 || (data[start] ?? 0) <= 0) continue
    const piece: Piece = { pixels: [start], mass: 0, touchesEdge: false }
    seen[start] = 1
    for (let next = 0; next < piece.pixels.length; next += 1) {
      const at = piece.pixels[next] ?? 0
      const x = at % width
      const y = (at - x) / width
      piece.mass += data[at] ?? 0
      piece.touchesEdge ||= x === 0 || y === 0 || x === width - 1 || y === height - 1
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row += 1) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column += 1) {
          const neighbour = row * width + column
          if (seen[neighbour] === 1 || (data[neighbour] ?? 0) <= 0) continue
          seen[neighbour] = 1
          piece.pixels.push(neighbour)
        }
      }
    }
    pieces.push(piece)
  }
  return pieces
}

const heaviestOf = (pieces: readonly Piece[]): number => pieces.reduce((most, { mass }) => Math.max(most, mass), 0)

/**
 * Clears what a photo shows beside the drawing: dust, and, where there is a drawing well inside, whatever reaches in
 * from the edge, such as the table behind the paper or a shadow's border.
 */
export function dropSpecks(plane: Plane): Plane {
  const pieces = piecesOf(plane)
  const heaviest = heaviestOf(pieces)
  const inside = pieces.filter(({ mass, touchesEdge }) => !touchesEdge && mass >= drawingShare * heaviest)
  const candidates = inside.length > 0 ? pieces.filter(({ touchesEdge }) => !touchesEdge) : pieces
  const most = heaviestOf(candidates)
  const data = new Float32Array(plane.data.length)
  for (const { pixels, mass } of candidates) {
    if (mass < speckShare * most) continue
    for (const at of pixels) data[at] = plane.data[at] ?? 0
  }
  return { width: plane.width, height: plane.height, data }
}
