import { expect, test } from 'vitest'
import { ModelError } from '../../errors/model-error.ts'
import { withExtendedPrototypes } from '../../testing/extended-prototypes.ts'
import { errorCodec as errors } from './error-codec.ts'
import { openLink } from './open-link.ts'

interface Tried {
  add(options: { readonly a: number; readonly onSum: (sum: number) => void }): Promise<number>
  fail(): Promise<never>
  echo(value: unknown): Promise<unknown>
}

test('calls, their functions and their errors cross a link whose page extends every object', async () => {
  const { port1, port2 } = new MessageChannel()
  const methods = {
    async add({ a, onSum }: Parameters<Tried['add']>[0]) {
      onSum(a + 1)
      return a + 1
    },
    async fail() {
      throw new ModelError('model-load-failed', 'It should.', { context: { backend: 'wasm' } })
    },
    echo: async (value: unknown) => value,
  }
  const far = openLink(port2 as never, { methods, errors, lane: { serves: ['echo'] } })
  const link = openLink<Tried>(port1 as never, { errors, lane: { calls: ['echo'] } })
  const sums: number[] = []
  const outcomes = await withExtendedPrototypes(async () => [
    await link.methods.add({ a: 1, onSum: (sum) => sums.push(sum) }),
    await link.methods.fail().catch((error: unknown) => error),
    await link.methods.echo({ list: [1, { error: 'own' }] }),
  ])
  link.close(new Error('over'))
  far.close(new Error('over'))
  expect(outcomes[0]).toBe(2)
  expect(outcomes[1]).toMatchObject({ name: 'ModelError', code: 'model-load-failed', context: { backend: 'wasm' } })
  expect(outcomes[2]).toEqual({ list: [1, { error: 'own' }] })
})
