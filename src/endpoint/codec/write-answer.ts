import type { TensorMap } from '../../contracts/tensor.ts'
import type { EncodedBody } from '../../protocol/infer/encode-body.ts'
import { encodeInferResponse } from '../../protocol/infer/infer-response.ts'
import { toClasses } from '../../protocol/tensors/classification.ts'

/** How one output is sent. */
export interface OutputForm {
  readonly binary: boolean
  /** So many of its highest values as text instead of the tensor. */
  readonly classes?: number | undefined
  /** Its first dimension, where it has more than one, counts rows, each with classes of its own. */
  readonly batched?: boolean
}

/** An answer before it is bytes. Plain data: it may cross to another thread. */
export interface AnswerToWrite {
  readonly modelName: string
  readonly modelVersion?: string
  readonly id?: string
  readonly outputs: TensorMap
  /** By the outputs' names; JSON where one is missing. */
  readonly forms: Readonly<Record<string, OutputForm>>
  readonly labels?: readonly string[] | undefined
}

/** @throws {ValidationError} an output can't be sent as it was asked for */
export function writeAnswer({ outputs, forms, labels, ...head }: AnswerToWrite): EncodedBody {
  const shown = Object.entries(outputs).map(([name, tensor]) => {
    const { classes: count, batched = false } = forms[name] ?? {}
    if (count === undefined) return [name, tensor] as const
    return [name, toClasses(tensor, { count, batched: batched && tensor.dims.length > 1, labels })] as const
  })
  return encodeInferResponse({
    ...head,
    outputs: Object.fromEntries(shown),
    binary: (name) => forms[name]?.binary ?? false,
  })
}

/** Values as JSON, and bytes of binary data, that are written in a few milliseconds. */
const light = { values: 8192, bytes: 4 * 2 ** 20 }

export function isLightAnswer({ outputs, forms }: Pick<AnswerToWrite, 'outputs' | 'forms'>): boolean {
  let [values, bytes] = [0, 0]
  for (const [name, { data }] of Object.entries(outputs)) {
    const { binary = false, classes } = forms[name] ?? {}
    if (binary && classes === undefined && ArrayBuffer.isView(data)) bytes += data.byteLength
    else values += data.length
  }
  return values <= light.values && bytes <= light.bytes
}
