import type { Manifest } from '../../contracts/manifest.ts'
import { holdValues } from '../../utils/held-value.ts'
import type { Background } from './create-background.ts'
import type { ModelChanges } from './model-changes.ts'

/** A younger manifest serves as it is; an older one serves once more while it is asked for again. */
const freshMs = 1_000
/** A still older one does not serve: another tab may have installed another revision meanwhile. */
const staleMs = 10_000

/** Manifests that the page keeps, so that a request need not ask the background worker for what it asked a moment ago. */
export interface ManifestCache {
  manifest(name: string): Promise<Manifest>
  /** Every manifest is asked for anew from now on. */
  clear(): void
}

/** @param load asks the catalogue */
export function createManifestCache(load: (name: string) => Promise<Manifest>, nowMs?: () => number): ManifestCache {
  const manifests = holdValues({ load, holdMs: freshMs, staleMs, ...(nowMs && { now: nowMs }) })
  return { manifest: manifests.get, clear: manifests.clear }
}

/** Methods after which another revision of a model may serve. */
const changing: ReadonlySet<PropertyKey> = new Set<keyof Background>([
  'newer',
  'install',
  'remove',
  'withdraw',
  'changeNote',
  'keepServing',
  'switchTo',
  'refuse',
  'importModel',
  'addModel',
])

/** Methods after which other tabs' models may not serve any more, and the models that each one changed. */
const telling: ReadonlyMap<PropertyKey, (args: readonly unknown[], result: unknown) => readonly unknown[]> = new Map<
  keyof Background,
  (args: readonly unknown[], result: unknown) => readonly unknown[]
>([
  ['remove', ([name]) => [name]],
  ['switchTo', ([name]) => [name]],
  ['refuse', ([name]) => [name]],
  ['withdraw', ([models]) => (models as readonly { readonly name: string }[]).map(({ name }) => name)],
  ['importModel', (_, name) => [name]],
  ['addModel', (_, name) => [name]],
])

/**
 * The same worker, whose manifests are kept on the page until something changes them, in this tab or in another.
 *
 * @param changes carries what changed between the tabs
 */
export function keepManifests(
  background: Background,
  nowMs?: () => number,
  changes?: Pick<ModelChanges, 'tell' | 'on'>,
): Background {
  const cache = createManifestCache(background.manifest, nowMs)
  changes?.on(cache.clear)
  const clearing =
    (name: PropertyKey, method: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]): Promise<unknown> => {
      cache.clear()
      try {
        const result = await method(...args)
        const changed = telling.get(name)?.(args, result) ?? []
        if (changed.length > 0) changes?.tell(changed.map(String))
        return result
      } finally {
        cache.clear()
      }
    }
  return new Proxy(background, {
    get(target, name) {
      if (name === 'manifest') return cache.manifest
      const method: unknown = Reflect.get(target, name)
      return changing.has(name) ? clearing(name, method as Parameters<typeof clearing>[1]) : method
    },
  })
}
