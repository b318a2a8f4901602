import { CloudError } from '../../errors/cloud-error.ts'

/** A request without a valid token (401), or with one that does not allow it (403). */
export const refused = (status: 401 | 403, message: string): CloudError =>
  new CloudError('cloud-unauthorized', message, { context: { status } })
