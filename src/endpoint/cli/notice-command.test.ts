import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { changeNotices } from './notice-command.ts'

it('tells devices something, lists it, and takes it back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hither-notices-'))
  const command = (...args: string[]) => changeNotices(['--data', dir, ...args], {}, 1_000)
  expect(await command()).toBe('No notice holds.')
  const withdrawn = JSON.parse(await command('--withdraw', 'digits@2', '--why', 'It was wrong.', '--hours', '2'))
  expect(withdrawn).toMatchObject({
    createdMs: 1_000,
    untilMs: 7_201_000,
    body: { kind: 'model-withdrawn', model: 'digits', revision: '2', why: 'It was wrong.' },
  })
  await command('--close', 'https://eu.example.com')
  await command('--message', 'Hello.')
  await command('--withdraw', 'digits')
  const bodies = (await command()).split('\n').map((line) => JSON.parse(line).body)
  expect(bodies).toHaveLength(4)
  expect(bodies).toEqual(
    expect.arrayContaining([
      { kind: 'region-down', url: 'https://eu.example.com' },
      { kind: 'message', text: 'Hello.' },
      { kind: 'model-withdrawn', model: 'digits' },
    ]),
  )
  expect((await command('--remove', withdrawn.id)).split('\n')).toHaveLength(3)
  await expect(command('--remove', withdrawn.id)).rejects.toMatchObject({ code: 'config-invalid' })
  await rm(dir, { recursive: true })
})

it.each([
  [[], 'Say which database: --data DIR, or DATABASE_URL.'],
  [
    ['--data', 'x', '--close', 'https://a.example', '--message', 'x'],
    'Give one of --withdraw, --close, --message and --remove at a time.',
  ],
  [['--data', 'x', '--withdraw', '@1'], 'This is no notice'],
  [['--data', 'x', '--close', 'eu'], 'This is no notice'],
  [['--data', 'x', '--message', 'x', '--hours', '0'], '--hours must be a whole number from 1 to 87600, not 0.'],
  [['--dta', 'x'], "Unknown option '--dta'."],
])('refuses %j in one sentence', async (args, message) => {
  await expect(changeNotices(args, {})).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(message),
  })
})
