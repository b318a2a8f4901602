import type { Language } from '../state/preferences.ts'

/** The person's own variant of the language that the app speaks, for times and dates: `en-GB` where that is English. */
export function figuresLanguage(): string {
  const spoken = document.documentElement.lang
  return navigator.languages.find((tag) => tag.slice(0, 2) === spoken.slice(0, 2)) ?? spoken
}

/** The language to speak for a preference: `auto` is the first of the person's languages that the app speaks. */
export function languageFor(
  preference: Language,
  wanted: readonly string[] = navigator.languages,
): Exclude<Language, 'auto'> {
  if (preference !== 'auto') return preference
  const first = wanted.find((tag) => /^(en|zh)\b/i.test(tag))
  return first?.toLowerCase().startsWith('zh') ? 'zh-Hans' : 'en'
}

/**
 * Switches the app to a language, and sets the document's `lang`. What does it is fetched with the first switch: English
 * is spoken without it. Where it can't be fetched, the language stays.
 */
export async function speak(language: Language): Promise<void> {
  try {
    const { getLocale, setLocale } = await import('./locales.ts')
    await setLocale(languageFor(language))
    document.documentElement.lang = getLocale()
  } catch {
    // The texts could not be fetched.
  }
}
