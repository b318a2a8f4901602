import type { Manifest } from '../contracts/manifest.ts'
import type { TensorType } from '../contracts/tensor.ts'
import { ValidationError } from '../errors/validation-error.ts'

/** One model of a session. Values pass between models by name; a model's own names are used where none is given. */
export interface PlanStep {
  readonly manifest: Manifest
  /** Input name to the value that it takes. */
  readonly inputs: Readonly<Record<string, string>>
  /** Output name to the value that it becomes. */
  readonly outputs: Readonly<Record<string, string>>
}

/** A value that is kept from one run to the next: what `from` was is what `to` will be. Starts as zeros in `shape`. */
export interface PlanState {
  readonly from: string
  readonly to: string
  readonly type: TensorType
  readonly shape: readonly number[]
}

/** What a session runs: models in order, what is kept between runs, what goes in and what comes out. */
export interface SessionPlan {
  readonly steps: readonly PlanStep[]
  readonly state: readonly PlanState[]
  /** Values that each run is given. */
  readonly inputs: readonly string[]
  /** Values that each run answers. */
  readonly outputs: readonly string[]
}

/** How a session is described, with models by name resolved to manifests. */
export interface SessionDescription {
  readonly steps: readonly {
    readonly manifest: Manifest
    readonly inputs?: Readonly<Record<string, string>> | undefined
    readonly outputs?: Readonly<Record<string, string>> | undefined
  }[]
  /** Beside what the manifests state. */
  readonly state?:
    | readonly { readonly from: string; readonly to: string; readonly shape: readonly number[] }[]
    | undefined
  /** Default: the outputs of all steps that are not kept as state and that no later step takes. */
  readonly outputs?: readonly string[] | undefined
}

const invalid = (what: string) => new ValidationError('options-invalid', `This session cannot be opened: ${what}.`)

function checkNames(names: Readonly<Record<string, string>>, specs: Manifest['inputs'], what: string): void {
  for (const name of Object.keys(names)) {
    if (!specs.some((spec) => spec.name === name)) throw invalid(`the model has no ${what} "${name}"`)
  }
}

/**
 * Works out what a session runs, and checks that every value comes from somewhere and has one source.
 *
 * @throws {ValidationError} `options-invalid`, naming the value
 */
export function toSessionPlan(description: SessionDescription): SessionPlan {
  if (description.steps.length === 0) throw invalid('it has no steps')
  const steps = description.steps.map(({ manifest, inputs = {}, outputs = {} }): PlanStep => {
    checkNames(inputs, manifest.inputs, 'input')
    checkNames(outputs, manifest.outputs, 'output')
    const named = (specs: Manifest['inputs'], names: Readonly<Record<string, string>>) =>
      Object.fromEntries(specs.map(({ name }) => [name, names[name] ?? name]))
    return { manifest, inputs: named(manifest.inputs, inputs), outputs: named(manifest.outputs, outputs) }
  })

  const made = new Map<string, TensorType>()
  for (const { manifest, outputs } of steps) {
    for (const { name, type } of manifest.outputs) {
      const value = outputs[name] ?? name
      if (made.has(value)) throw invalid(`two models make "${value}"; rename one in "outputs"`)
      made.set(value, type)
    }
  }

  const ownState = steps.flatMap(({ manifest, inputs, outputs }) =>
    (manifest.state ?? []).map(({ input, output, shape }) => ({
      from: outputs[output] ?? output,
      to: inputs[input] ?? input,
      shape,
    })),
  )
  const state = [...ownState, ...(description.state ?? [])].map(({ from, to, shape }): PlanState => {
    const type = made.get(from)
    if (type === undefined) throw invalid(`no model makes the state "${from}"`)
    return { from, to, type, shape }
  })
  const kept = new Set(state.map(({ to }) => to))
  if (kept.size < state.length) throw invalid('two states lead to the same value')

  const known = new Set<string>()
  const inputs = new Set<string>()
  for (const step of steps) {
    for (const value of Object.values(step.inputs)) {
      if (known.has(value) || kept.has(value)) continue
      if (made.has(value)) throw invalid(`"${value}" is taken before it is made`)
      inputs.add(value)
    }
    for (const value of Object.values(step.outputs)) known.add(value)
  }

  const taken = new Set(steps.flatMap((step) => Object.values(step.inputs)))
  const isState = new Set(state.map(({ from }) => from))
  const outputs = description.outputs ?? [...made.keys()].filter((value) => !taken.has(value) && !isState.has(value))
  const unknown = outputs.find((value) => !made.has(value))
  if (unknown !== undefined) throw invalid(`no model makes the output "${unknown}"`)
  return { steps, state, inputs: [...inputs], outputs }
}
