import type { Manifest } from '../../contracts/manifest.ts'
import type { Background } from './create-background.ts'

/** A manifest that is younger serves as it is; one that is older serves once more while it is asked for again. */
const freshMs = 1_000
/** One that is still older does not serve: another tab may have brought another revision long ago. */
const staleMs = 10_000

interface Known {
  readonly manifest: Manifest
  readonly atMs: number
}

/** Manifests that the page keeps, so that a request need not ask another thread for what it asked a moment ago. */
export interface ManifestCache {
  manifest(name: string): Promise<Manifest>
  /** Whatever is asked from now on is asked anew. */
  clear(): void
}

/** @param load asks the catalogue */
export function createManifestCache(
  load: (name: string) => Promise<Manifest>,
  nowMs: () => number = () => performance.now(),
): ManifestCache {
  const known = new Map<string, Known>()
  const asking = new Map<string, Promise<Manifest>>()

  const ask = (name: string): Promise<Manifest> => {
    const under = asking.get(name)
    if (under !== undefined) return under
    const asked = load(name).then(
      (manifest) => {
        if (asking.get(name) === asked) known.set(name, { manifest, atMs: nowMs() })
        return manifest
      },
      (error) => {
        if (asking.get(name) === asked) known.delete(name)
        throw error
      },
    )
    asking.set(name, asked)
    const done = () => asking.get(name) === asked && asking.delete(name)
    asked.then(done, done)
    return asked
  }

  return {
    manifest(name) {
      const found = known.get(name)
      const ageMs = found === undefined ? Number.POSITIVE_INFINITY : nowMs() - found.atMs
      if (found === undefined || ageMs > staleMs) return ask(name)
      // The catalogue's no is heard by the next request.
      if (ageMs > freshMs) ask(name).catch(() => {})
      return Promise.resolve(found.manifest)
    },
    clear() {
      known.clear()
      asking.clear()
    },
  }
}

/** Methods after which another revision of a model may serve. */
const changing = [
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
] as const satisfies readonly (keyof Background)[]

/** The same worker, whose manifests are kept on the page until something changes them. */
export function keepManifests(background: Background, nowMs?: () => number): Background {
  const cache = createManifestCache(background.manifest, nowMs)
  const wrap = <Args extends unknown[], T>(method: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> => {
      cache.clear()
      return method(...args).finally(cache.clear)
    }
  }
  const wrapped = Object.fromEntries(
    changing.map((name) => [name, wrap(background[name] as (...args: unknown[]) => Promise<unknown>)]),
  ) as Pick<Background, (typeof changing)[number]>
  return { ...background, ...wrapped, manifest: cache.manifest }
}
