import type { BoxesDecoding, GridDecoding } from '../../contracts/decoding.ts'
import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { tensorNumbers } from '../../protocol/tensors/tensor-numbers.ts'
import type { Find } from './non-maximum.ts'

const wrongAnswer = (detail: string) =>
  new ModelError('model-wrong-answer', 'The model gave an answer that makes no sense. Try again.', {
    context: { detail },
  })

function numbersOf(outputs: TensorMap, name: string, rank: number) {
  const output: TensorData | undefined = outputs[name]
  if (output === undefined) throw wrongAnswer(`no output named ${name}`)
  const { dims } = output
  const data = tensorNumbers(output)
  if (data === undefined || dims.length !== rank || dims[0] !== 1) {
    throw wrongAnswer(`${name}: ${output.type} ${dims.join('×')}`)
  }
  if (data.length !== dims.reduce((product, size) => product * size, 1)) throw wrongAnswer(`${name}: cut short`)
  // Summed, one NaN shows wherever it is.
  let sum = 0
  for (const value of data) sum += value
  if (!Number.isFinite(sum)) throw wrongAnswer(`${name}: no finite numbers`)
  return { data, dims }
}

/** Boxes with scores, in shares of the input's sides. @throws {ModelError} `model-wrong-answer` */
export function decodeBoxes(outputs: TensorMap, decoding: BoxesDecoding): Find[] {
  const boxes = numbersOf(outputs, decoding.boxes, 3)
  const scores = numbersOf(outputs, decoding.scores, 3)
  const [, count = 0, classes = 0] = scores.dims
  if (boxes.dims[1] !== count || boxes.dims[2] !== 4) throw wrongAnswer(`boxes ${boxes.dims.join('×')}`)
  const finds: Find[] = []
  for (let i = 0; i < count; i += 1) {
    for (let index = 0; index < classes; index += 1) {
      if (index === decoding.background) continue
      const score = scores.data[i * classes + index] ?? 0
      if (score < decoding.minScore) continue
      const [a = 0, b = 0, c = 0, d = 0] = boxes.data.subarray(i * 4, i * 4 + 4)
      const box =
        decoding.form === 'corners'
          ? { x: a, y: b, width: c - a, height: d - b }
          : { x: a - c / 2, y: b - d / 2, width: c, height: d }
      if (!(box.width > 0 && box.height > 0)) continue
      const label = decoding.background !== undefined && index > decoding.background ? index - 1 : index
      finds.push({ box, label, score })
    }
  }
  return finds
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** The finds of a grid's cells, in shares of the input's sides. @throws {ModelError} `model-wrong-answer` */
export function decodeGrid(outputs: TensorMap, decoding: GridDecoding): Find[] {
  const { data, dims } = numbersOf(outputs, decoding.output, 4)
  const [, channels = 0, rows = 0, columns = 0] = dims
  if (channels < 6) throw wrongAnswer(`${decoding.output}: ${channels} channels`)
  const cells = rows * columns
  const through = decoding.offset === 'tanh' ? Math.tanh : sigmoid
  const finds: Find[] = []
  for (let cell = 0; cell < cells; cell += 1) {
    const at = (channel: number) => data[channel * cells + cell] ?? 0
    let label = 0
    for (let index = 1; index < channels - 5; index += 1) if (at(5 + index) > at(5 + label)) label = index
    const score = Math.max(0, at(0)) ** decoding.objectPower * Math.max(0, at(5 + label)) ** decoding.classPower
    if (!(score >= decoding.minScore)) continue
    const [width, height] = [sigmoid(at(3)), sigmoid(at(4))]
    const x = ((cell % columns) + through(at(1))) / columns
    const y = (Math.floor(cell / columns) + through(at(2))) / rows
    finds.push({ box: { x: x - width / 2, y: y - height / 2, width, height }, label, score })
  }
  return finds
}
