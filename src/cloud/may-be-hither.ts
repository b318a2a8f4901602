import type { CloudArm } from './create-cloud-arm.ts'
import type { ServerKind } from './server-facts.ts'

const others: ReadonlySet<ServerKind> = new Set(['triton', 'kserve', 'mlserver', 'openvino'])

/** False for a server that said it is another one: it takes no reports and has no notices, and is not asked. */
export const mayBeHither = async (arm: Pick<CloudArm, 'facts'>, signal?: AbortSignal): Promise<boolean> =>
  !others.has((await arm.facts(signal === undefined ? {} : { signal })).kind)
