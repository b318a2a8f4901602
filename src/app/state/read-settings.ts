import { type Backend, type Privacy, privacyModes } from '../../index.ts'
import { str, t } from '../../ui/texts/text.ts'
import { type SimulationName, simulations } from './preferences.ts'

/** What the page's address asks for, and a sentence for each thing in it that cannot be done. */
export interface Settings {
  readonly privacy?: Privacy
  readonly endpoint?: string
  readonly backends?: readonly Backend[]
  readonly deadlineMs?: number
  readonly simulation?: SimulationName
  readonly problems: readonly string[]
}

const backendNames = ['wasm', 'webgpu'] as const satisfies readonly Backend[]

const isOneOf = <T extends string>(known: readonly T[], value: string): value is T =>
  (known as readonly string[]).includes(value)

const mustBeOneOf = (name: string, value: string, known: readonly string[]): string =>
  t('problem.one-of', str`${name} is “${value}” but must be one of ${known.join(', ')}.`)

const isWebAddress = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** Reads `privacy`, `endpoint`, `backend`, `deadline` and `simulate` from a query. Never throws: what is wrong is left out and named. */
export function readSettings(query: URLSearchParams): Settings {
  const problems: string[] = []
  const read = <T>(name: string, parse: (value: string) => T | undefined, problem: (value: string) => string) => {
    const value = query.get(name)
    if (value === null) return undefined
    const parsed = parse(value.trim())
    if (parsed === undefined) problems.push(problem(value.slice(0, 100)))
    return parsed
  }

  const privacy = read(
    'privacy',
    (value) => (isOneOf(privacyModes, value) ? value : undefined),
    (value) => mustBeOneOf('privacy', value, privacyModes),
  )
  const endpoint = read(
    'endpoint',
    (value) => (isWebAddress(value) ? value : undefined),
    (value) => t('problem.endpoint', str`endpoint is “${value}” but must be an http or https address.`),
  )
  const backends = read(
    'backend',
    (value) => {
      const names = value.split(',').map((name) => name.trim())
      return names.every((name) => isOneOf(backendNames, name)) ? (names as Backend[]) : undefined
    },
    (value) => mustBeOneOf('backend', value, backendNames),
  )
  const deadlineMs = read(
    'deadline',
    (value) => (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0 ? Number(value) : undefined),
    (value) => t('problem.deadline', str`deadline is “${value}” but must be a number of milliseconds above 0.`),
  )
  const simulation = read(
    'simulate',
    (value) => (isOneOf(simulations, value) ? value : undefined),
    (value) => mustBeOneOf('simulate', value, simulations),
  )
  return {
    ...(privacy === undefined ? {} : { privacy }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(backends === undefined ? {} : { backends }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(simulation === undefined ? {} : { simulation }),
    problems,
  }
}
