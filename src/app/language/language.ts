import { configureLocalization } from '@lit/localize'
import type { Language } from '../state/preferences.ts'

const { getLocale, setLocale } = configureLocalization({
  sourceLocale: 'en',
  targetLocales: ['zh-Hans'],
  loadLocale: () => import('./zh-hans.ts'),
})

/** The person's own variant of that language, for times and dates: `en-GB` where the app speaks English. */
export function figuresLanguage(): string {
  const spoken = getLocale()
  return navigator.languages.find((tag) => tag.slice(0, 2) === spoken.slice(0, 2)) ?? spoken
}

/** The first of the person's languages that the app speaks. */
function spokenOf(wanted: readonly string[]): 'en' | 'zh-Hans' {
  const first = wanted.find((tag) => /^(en|zh)\b/i.test(tag))
  return first?.toLowerCase().startsWith('zh') ? 'zh-Hans' : 'en'
}

/** Has the app speak a language. Where its texts can't be had, it stays with the one before. */
export async function speak(language: Language, wanted: readonly string[] = navigator.languages): Promise<void> {
  const tag = language === 'auto' ? spokenOf(wanted) : language
  try {
    await setLocale(tag)
  } catch {
    return
  }
  document.documentElement.lang = getLocale()
}
