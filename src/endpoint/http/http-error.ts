/**
 * An error for Fastify, which answers with its status. For statuses that no code of `errors/` stands for (413, 415, 422):
 * they are of HTTP itself.
 */
export const httpError = (statusCode: number, sentence: string): Error & { readonly statusCode: number } =>
  Object.assign(new Error(sentence), { statusCode })
