/** What a bench is given: the flags after its name. */
export interface BenchFlags {
  /** The value of `--name value`; undefined when it was not given. */
  value(name: string): string | undefined
  /** True when `--name` was given. */
  has(name: string): boolean
}

/** A bench: prints what it measured for people while it runs, and returns it for `--json`. */
export type Bench = (flags: BenchFlags, print: (line: string) => void) => Promise<unknown>

/** Reads `--name value`, `--name=value` and `--name`. */
export function parseFlags(args: readonly string[]): BenchFlags {
  const flags = new Map<string, string | undefined>()
  args.forEach((argument, index) => {
    if (!argument.startsWith('--')) return
    const [name = '', value] = argument.slice(2).split(/=(.*)/s)
    const next = args[index + 1]
    flags.set(name, value ?? (next?.startsWith('--') ? undefined : next))
  })
  return { value: (name) => flags.get(name), has: (name) => flags.has(name) }
}
