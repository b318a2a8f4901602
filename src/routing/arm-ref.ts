import type { ArmRef } from './router-types.ts'

/** An arm's key in maps and sets. */
export const armKey = ({ arm, endpoint }: ArmRef): string => (arm === 'edge' ? 'edge' : `cloud ${endpoint ?? ''}`)

/** The reference alone, without the other fields of whatever holds it. */
export const toArmRef = ({ arm, endpoint }: ArmRef): ArmRef => (endpoint === undefined ? { arm } : { arm, endpoint })
