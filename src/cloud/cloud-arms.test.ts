import { createSealingKeyRing } from '../endpoint/security/sealing-keys.ts'
import { openRequest, type SealingKeyPair, type SealingKeys, sealedType } from '../protocol/sealing.ts'
import { type CloudArmUnderTest, describeCloudArm } from '../testing/describe-cloud-arm.ts'
import { openFakeUpstream } from '../testing/fake-upstream.ts'
import { createCloudArm } from './create-cloud-arm.ts'

type ArmOptions = Omit<Parameters<typeof createCloudArm>[0], 'url'>

async function open(armOptions: ArmOptions, server: { readonly binary?: boolean } = {}): Promise<CloudArmUnderTest> {
  const upstream = await openFakeUpstream(server)
  return {
    arm: createCloudArm({ url: upstream.url, ...armOptions }),
    fail: upstream.fail,
    release: upstream.release,
    get held() {
      return upstream.held
    },
    get ran() {
      return upstream.runs().length
    },
    stop: upstream.stop,
    close: upstream.stop,
  }
}

describeCloudArm('an arm to a server of binary tensors', () => open({}, { binary: true }))
describeCloudArm('an arm to a server of JSON', () => open({}, { binary: false }))
describeCloudArm('an arm that finds out by itself what the server takes', () =>
  open({ fetch: withoutDescription() }, { binary: true }),
)
describeCloudArm('a sealed arm', () => open(sealed()))

/** A server that does not say what it takes. */
function withoutDescription(): typeof fetch {
  return async (input, init) => (String(input).endsWith('/v2') ? new Response('', { status: 404 }) : fetch(input, init))
}

/** A body whose connection ends within it. */
const cutShort = () =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(8))
      controller.error(new TypeError('terminated'))
    },
  })

/** What an endpoint does with sealed requests, between the arm and a server that knows nothing of seals. */
function sealed(): ArmOptions {
  const ring: { published(): Promise<SealingKeys>; find(id: string): Promise<SealingKeyPair | undefined> } =
    createSealingKeyRing({ seed: new Uint8Array(32).fill(7) })
  const unsealing: typeof fetch = async (input, init = {}) => {
    if (!(init.body instanceof Uint8Array)) return fetch(input, init)
    const target = { method: init.method ?? 'POST', path: new URL(String(input)).pathname }
    const opened = await openRequest(init.body, ring.find, target)
    if (opened === undefined) return new Response('', { status: 422 })
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(opened.message.head)) headers.set(name, String(value))
    const response = await fetch(input, { ...init, headers, body: new Uint8Array(opened.message.body) })
    const read = await response.arrayBuffer().catch(() => undefined)
    if (read === undefined) return new Response(cutShort(), { headers: { 'Content-Type': sealedType } })
    const body = new Uint8Array(read)
    const head = { ...Object.fromEntries(response.headers), status: response.status }
    const open = new Headers({ 'Content-Type': sealedType })
    const retryAfter = response.headers.get('Retry-After')
    if (retryAfter !== null) open.set('Retry-After', retryAfter)
    return new Response(await opened.answer.seal({ head, body }), { status: response.status, headers: open })
  }
  return { fetch: unsealing, sealed: { keys: () => ring.published() } }
}
