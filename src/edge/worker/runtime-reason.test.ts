import { expect, test } from 'vitest'
import { runtimeReason, withReason } from './runtime-reason.ts'

test.each([
  [
    "Can't create a session. ERROR_CODE: 1, ERROR_MESSAGE: Fatal error: test:MyOp(-1) is not a registered function/op",
    'test:MyOp(-1) is not a registered function/op',
  ],
  [
    "Can't create a session. ERROR_CODE: 1, ERROR_MESSAGE: /mnt/s/core/optimizer/initializer.cc:79 onnxruntime::Initializer::Initializer(const Graph &, const std::filesystem::path &) model_path must not be empty.",
    'model_path must not be empty',
  ],
  [
    'failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: Non-zero status code\n  while running Reshape',
    'Non-zero status code while running Reshape',
  ],
  [
    'failed to call OrtRun(). ERROR_CODE: 1, ERROR_MESSAGE: /mnt/s/core/providers/cpu/element_wise_ops.h:560 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 was false. Attempting to broadcast 2 by 3',
    'axis == 1 was false. Attempting to broadcast 2 by 3',
  ],
  ['out of memory', 'out of memory'],
  ['', undefined],
])('of %j it is %j', (message, reason) => {
  expect(runtimeReason(new Error(message))).toBe(reason)
})

test('what the runtime throws and is no error says nothing; a long one is cut', () => {
  expect(runtimeReason(12345)).toBeUndefined()
  expect(runtimeReason(new Error('x'.repeat(900)))?.length).toBeLessThan(450)
})

test('a sentence says what the runtime said, and what to do where that is known', () => {
  expect(withReason('It failed', undefined)).toBe('It failed.')
  expect(withReason('It failed', 'no room')).toBe('It failed: no room.')
  expect(withReason('It failed', 'a:MyOp(-1) is not a registered function/op')).toMatch(
    /MyOp.*save the model without it/,
  )
})
