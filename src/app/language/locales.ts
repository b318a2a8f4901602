import { configureLocalization } from '@lit/localize/init/runtime.js'

export const { getLocale, setLocale } = configureLocalization({
  sourceLocale: 'en',
  targetLocales: ['zh-Hans'],
  loadLocale: () => import('./zh-hans.ts'),
})
