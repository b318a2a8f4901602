import { createCloudArm } from '../cloud/create-cloud-arm.ts'

/** An answer of JSON. */
export const json = (value: unknown, init?: ResponseInit) => new Response(JSON.stringify(value), init)

interface Sent {
  readonly path: string
  readonly init: RequestInit
}

/** An arm whose fetch answers by path, and a record of what was sent. */
export function arm(
  routes: Record<string, (sent: Sent, nth: number) => Response | Promise<Response>>,
  options: { readonly token?: () => string | Promise<string>; readonly maxResponseBytes?: number } = {},
) {
  const sent: Sent[] = []
  let clock = 0
  const fetch = async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const path = String(input).replace('https://cloud.test', '')
    const route = routes[path]
    sent.push({ path, init })
    clock += 10
    if (route === undefined) return json({ error: `no route ${path}` }, { status: 404 })
    return route({ path, init }, sent.filter((each) => each.path === path).length)
  }
  const cloud = createCloudArm({ url: 'https://cloud.test/', fetch, now: () => clock, ...options })
  const paths = () => sent.map(({ path }) => path)
  return { cloud, sent, paths, bodies: () => sent.flatMap(({ init }) => (init.body === undefined ? [] : [init])) }
}

/** A request's header by name, however it was written. */
export const header = (init: RequestInit | undefined, name: string) => new Headers(init?.headers).get(name)
