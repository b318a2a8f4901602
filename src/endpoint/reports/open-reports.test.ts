import { expect, it } from 'vitest'
import { openReports } from './open-reports.ts'

it.each([
  ['an option that it does not have', { dataDir: 'nowhere', keepDay: 90 }, 'no option keepDay'],
  ['too few days', { dataDir: 'nowhere', keepDays: 60 }, 'from 61 on, not 60'],
  ['days that are none', { dataDir: 'nowhere', keepDays: Number.NaN }, 'not NaN'],
  ['a door that is open by a text', { dataDir: 'nowhere', openOps: 'false' as never }, 'openOps must be true or false'],
  ['neither a folder nor an address', {}, 'a folder or an address'],
])('refuses %s', async (_, options, sentence) => {
  await expect(openReports(options)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(sentence),
  })
})
