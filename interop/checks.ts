import type { CloudArm } from '../src/cloud/create-cloud-arm.ts'
import type { TensorData, TensorMap } from '../src/contracts/tensor.ts'

/** One thing that was tried, and what came of it. */
export interface Outcome {
  readonly check: string
  /** `refused`: the server says that it does not take this, in a way that the client understands. */
  readonly result: 'works' | 'refused' | 'fails'
  readonly detail: string
}

/** What the cloud arm is asked to do: it is the same in Node and in a browser. */
export interface CheckOptions {
  readonly arm: CloudArm
  /** The same, but with tensors as JSON. */
  readonly jsonArm: CloudArm
  readonly digits: {
    readonly image: readonly number[]
    readonly probabilities: readonly number[]
    readonly tolerance: number
  }
}

/** Each datatype of the protocol with values that a wrong width, sign or byte order would change. */
const samples: Readonly<Record<string, TensorData>> = {
  BOOL: { type: 'bool', dims: [3], data: new Uint8Array([1, 0, 1]) },
  UINT8: { type: 'uint8', dims: [3], data: new Uint8Array([0, 127, 255]) },
  UINT16: { type: 'uint16', dims: [2], data: new Uint16Array([1, 65_535]) },
  UINT32: { type: 'uint32', dims: [2], data: new Uint32Array([1, 4_294_967_295]) },
  UINT64: { type: 'uint64', dims: [2], data: new BigUint64Array([1n, 9_007_199_254_740_991n]) },
  INT8: { type: 'int8', dims: [3], data: new Int8Array([-128, 0, 127]) },
  INT16: { type: 'int16', dims: [2], data: new Int16Array([-32_768, 32_767]) },
  INT32: { type: 'int32', dims: [2], data: new Int32Array([-2_147_483_648, 2_147_483_647]) },
  INT64: { type: 'int64', dims: [2], data: new BigInt64Array([-9_007_199_254_740_991n, 2n]) },
  FP16: { type: 'float16', dims: [3], data: new Uint16Array([0x3c00, 0xc000, 0x7bff]) },
  FP32: { type: 'float32', dims: [3], data: new Float32Array([-1.5, 0, 3.4e38]) },
  FP64: { type: 'float64', dims: [2], data: new Float64Array([-1e300, 0.1]) },
  BYTES: { type: 'string', dims: [3], data: ['', 'digit', 'Zürich ✓'] },
}

const beyondJson: Readonly<Record<string, TensorData>> = {
  'NaN and infinities': { type: 'float32', dims: [3], data: new Float32Array([Number.NaN, Infinity, -Infinity]) },
  'integers beyond 2^53': { type: 'int64', dims: [2], data: new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n)]) },
}
const kindOf: Readonly<Record<string, string>> = { float32: 'FP32', int64: 'INT64' }

const one: TensorMap = { x: { type: 'float32', dims: [1], data: new Float32Array([1]) } }
const toText = (value: unknown) =>
  typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : String(value)
const same = (a: TensorData | undefined, b: TensorData) =>
  a?.type === b.type &&
  a.dims.join() === b.dims.join() &&
  Array.from(a.data as ArrayLike<unknown>, toText).join() === Array.from(b.data as ArrayLike<unknown>, toText).join()

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error)
const statusOf = (error: unknown): unknown =>
  error instanceof Error && 'context' in error ? (error.context as { readonly status?: unknown }).status : undefined

/** What a server, or this client, says of a tensor that it does not take; never a failure to understand it. */
const isRefusal = (error: unknown): boolean =>
  ['cloud-refused', 'input-values', 'cloud-failed'].includes(codeOf(error)) && statusOf(error) !== 502

async function tensors(arm: CloudArm, all: Readonly<Record<string, TensorData>>, kind: (name: string) => string) {
  const refused: string[] = []
  const failed: string[] = []
  for (const [name, tensor] of Object.entries(all)) {
    try {
      const { outputs } = await arm.run('echo', { [`${kind(name)}-in`]: tensor })
      if (!same(outputs[`${kind(name)}-out`], tensor)) failed.push(`${name} came back changed`)
    } catch (error) {
      if (isRefusal(error)) refused.push(name)
      else failed.push(`${name}: ${codeOf(error)}`)
    }
  }
  return { refused, failed, count: Object.keys(all).length }
}

function toOutcome(check: string, { refused, failed, count }: Awaited<ReturnType<typeof tensors>>): Outcome {
  if (failed.length > 0) return { check, result: 'fails', detail: failed.join('; ') }
  const works = count - refused.length
  const detail = refused.length === 0 ? `${works} of ${count}` : `${works} of ${count}; ${refused.join(', ')} refused`
  return { check, result: works === 0 ? 'refused' : 'works', detail }
}

/** Runs every check, one after the other; none of them ends the others. */
export async function runChecks({ arm, jsonArm, digits }: CheckOptions): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  const check = async (name: string, work: () => Promise<string>) => {
    try {
      outcomes.push({ check: name, result: 'works', detail: await work() })
    } catch (error) {
      outcomes.push({
        check: name,
        result: 'fails',
        detail: `${codeOf(error)} ${error instanceof Error ? error.message : ''}`,
      })
    }
  }
  const expectCode = async (work: Promise<unknown>, codes: readonly string[]): Promise<string> => {
    const error = await work.then(
      () => new Error('it was answered'),
      (thrown: unknown) => thrown,
    )
    if (!codes.includes(codeOf(error))) throw error
    return `${codeOf(error)}, ${String(statusOf(error) ?? 'no status')}`
  }

  await check('description', async () => {
    const { kind, binary } = await arm.facts()
    const { inputs } = await arm.describe('digits')
    if (inputs[0]?.name !== 'image') throw new Error('the model is not described')
    return `${kind}, ${binary === true ? 'binary' : 'JSON'}`
  })
  await check('list of models', async () => {
    const names = (await arm.list())?.map(({ name }) => name) ?? []
    for (const name of ['digits', 'echo', 'fail', 'slow'])
      if (!names.includes(name)) throw new Error(`${name} is missing`)
    return `${names.length} models`
  })
  await check('model ready', async () => {
    const [has, lacks] = [await arm.hasModel('digits'), await arm.hasModel('none')]
    if (!has || lacks) throw new Error(`digits: ${has}, none: ${lacks}`)
    return 'yes and no'
  })
  const recognise = async (how: CloudArm) => {
    const image: TensorData = { type: 'uint8', dims: [1, 1, 28, 28], data: Uint8Array.from(digits.image) }
    const { outputs } = await how.run('digits', { image }, { id: 'interop', outputs: ['probabilities'] })
    const given = Array.from(outputs.probabilities?.data as Float32Array)
    const worst = Math.max(...given.map((value, index) => Math.abs(value - (digits.probabilities[index] ?? 9))))
    if (!(worst <= digits.tolerance)) throw new Error(`differs by ${worst}`)
    return `within ${digits.tolerance}`
  }
  await check('digits', () => recognise(arm))
  await check('digits as JSON', () => recognise(jsonArm))
  outcomes.push(toOutcome('datatypes', await tensors(arm, samples, (name) => name)))
  outcomes.push(toOutcome('datatypes as JSON', await tensors(jsonArm, samples, (name) => name)))
  outcomes.push(
    toOutcome('beyond JSON', await tensors(arm, beyondJson, (name) => kindOf[beyondJson[name]?.type ?? ''] ?? '')),
  )
  await check('unknown model', () => expectCode(arm.run('none', one), ['cloud-model-missing']))
  await check('wrong input', () => expectCode(arm.run('digits', one), ['cloud-refused', 'cloud-failed']))
  await check('model that fails', () => expectCode(arm.run('fail', one), ['cloud-failed', 'cloud-refused']))
  await check('overload', async () => {
    const codes = await Promise.all(
      Array.from({ length: 12 }, () => arm.run('slow', one).then(() => 'answered', codeOf)),
    )
    const count = (code: string) => codes.filter((each) => each === code).length
    const [answered, refused] = [count('answered'), count('cloud-overloaded')]
    if (answered === 0 || refused === 0 || answered + refused < codes.length) throw new Error(codes.join(' '))
    return `${answered} answered, ${refused} refused`
  })
  return outcomes
}
