/**
 * Which texts are read in one run: as many as possible, for as few empty places as are allowed. All rows of a run have as
 * many places as its longest text, so texts of about the same length belong together.
 *
 * @param places that each text needs
 * @param emptyPlaces that all rows may have together
 * @returns indices of the texts in one run, in no order: fewer than two where none belong together
 */
export function chooseRows(places: readonly number[], emptyPlaces: number): readonly number[] {
  const order = [...places.keys()].sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0))
  const of = (at: number) => places[order[at] ?? 0] ?? 0
  let best: readonly [from: number, to: number] = [0, 0]
  let from = 0
  let sum = 0
  for (let to = 0; to < order.length; to += 1) {
    sum += of(to)
    while ((to - from + 1) * of(to) - sum > emptyPlaces) {
      sum -= of(from)
      from += 1
    }
    if (to + 1 - from > best[1] - best[0]) best = [from, to + 1]
  }
  return order.slice(...best)
}
