import { type Backend, type Privacy, privacyModes } from '../index.ts'
import { texts } from './texts.ts'

/** What the page's address asks for, and a sentence for each thing in it that cannot be done. */
export interface Settings {
  readonly privacy?: Privacy
  readonly endpoint?: string
  readonly backends?: readonly Backend[]
  readonly deadlineMs?: number
  readonly problems: readonly string[]
}

const backendNames = ['wasm', 'webgpu'] as const satisfies readonly Backend[]

const isOneOf = <T extends string>(known: readonly T[], value: string): value is T =>
  (known as readonly string[]).includes(value)

const isWebAddress = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** Reads `privacy`, `endpoint`, `backend` and `deadline` from a query. Never throws: what is wrong is left out and named. */
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
    (value) => texts.problem.privacy(value, privacyModes.join(', ')),
  )
  const endpoint = read('endpoint', (value) => (isWebAddress(value) ? value : undefined), texts.problem.endpoint)
  const backends = read(
    'backend',
    (value) => {
      const names = value.split(',').map((name) => name.trim())
      return names.every((name) => isOneOf(backendNames, name)) ? (names as Backend[]) : undefined
    },
    (value) => texts.problem.backend(value, backendNames.join(', ')),
  )
  const deadlineMs = read(
    'deadline',
    (value) => (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0 ? Number(value) : undefined),
    texts.problem.deadline,
  )
  return {
    ...(privacy === undefined ? {} : { privacy }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(backends === undefined ? {} : { backends }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    problems,
  }
}
