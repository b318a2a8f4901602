import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { CloudError } from './cloud-error.ts'
import { errorCodes, mayFallOver } from './codes.ts'
import { fromErrorData, toErrorData } from './error-data.ts'
import { isHitherError } from './hither-error.ts'
import { NoArmError } from './no-arm-error.ts'

test('an error keeps its class, code, context, cause and attempts across a thread', () => {
  const cloud = new CloudError('cloud-failed', 'The endpoint failed.', {
    cause: new TypeError('boom'),
    context: { status: 500 },
  })
  const sent = new NoArmError('no-arm', 'Nobody could answer.', { attempts: [cloud] })
  const back = fromErrorData(structuredClone(toErrorData(sent)))
  expect(back).toBeInstanceOf(NoArmError)
  const [attempt] = (back as NoArmError).attempts
  expect(attempt).toBeInstanceOf(CloudError)
  expect(attempt).toMatchObject({ code: 'cloud-failed', message: 'The endpoint failed.', context: { status: 500 } })
  expect(attempt?.cause).toMatchObject({ name: 'TypeError', message: 'boom' })
})

test('what is no error of ours is not taken for one', () => {
  expect(isHitherError(new Error('x'))).toBe(false)
  expect(isHitherError(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe(false)
  expect(isHitherError(Object.assign(new Error('x'), { code: 'toString', name: 'x' }))).toBe(false)
  expect(isHitherError({ name: 'CloudError', code: 'cloud-failed', message: 'an object of an answer' })).toBe(false)
  expect(fromErrorData(toErrorData('only a string'))).toMatchObject({ message: 'only a string' })
})

test('an error of another realm is one of ours by its name and code', () => {
  const foreign: Error = runInNewContext(
    `Object.assign(new Error('The endpoint failed.'), { name: 'CloudError', code: 'cloud-failed', context: { status: 500 } })`,
  )
  expect(foreign).not.toBeInstanceOf(Error)
  expect(isHitherError(foreign)).toBe(true)
  const back = fromErrorData(structuredClone(toErrorData(foreign)))
  expect(back).toBeInstanceOf(CloudError)
  expect(back).toMatchObject({ code: 'cloud-failed', message: 'The endpoint failed.', context: { status: 500 } })
  expect(isHitherError(runInNewContext(`Object.assign(new Error('x'), { name: 'CloudError', code: 'ENOENT' })`))).toBe(
    false,
  )
  expect(fromErrorData(toErrorData(runInNewContext(`new TypeError('boom')`)))).toMatchObject({ name: 'TypeError' })
})

test('faults of a request never fall over, faults of an arm do', () => {
  for (const [code, facts] of Object.entries(errorCodes)) {
    const isOfTheRequest = facts.kind === 'ValidationError' || facts.kind === 'ConfigError'
    // A prompt that is too long for the model on this device may fit where the cache has more memory.
    if (isOfTheRequest) expect(facts.fallsOver, code).toBe(code === 'context-full')
    // What a session keeps is at the edge alone: no other arm can go on with it.
    if (facts.kind === 'EdgeError') expect(facts.fallsOver, code).toBe(code !== 'edge-session-lost')
  }
  expect(mayFallOver('cloud-unreachable')).toBe(true)
  expect(mayFallOver('cloud-refused')).toBe(false)
})
