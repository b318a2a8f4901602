/**
 * What a token may do, as its `scope` claim lists it: `infer:digits` (one model), `infer:*` (all), `repository`
 * (load and unload), `metrics`, `ops` (see what devices reported, and tell them something), and what plugins ask for.
 */
export const inferScope = (model: string): string => `infer:${model}`
export const repositoryScope = 'repository'
export const metricsScope = 'metrics'
export const opsScope = 'ops'

/** Does a list of scopes hold this one, by name or as `kind:*`? */
export function grants(scopes: readonly string[], wanted: string): boolean {
  const colon = wanted.indexOf(':')
  return scopes.includes(wanted) || (colon > 0 && scopes.includes(`${wanted.slice(0, colon)}:*`))
}
