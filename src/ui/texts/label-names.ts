import type { TaskId } from './tasks.ts'
import { t } from './text.ts'

/** A language's own name for another: `de` is German, 德语. */
function languageName(code: string): string {
  try {
    const [speaks = 'en'] = /^(en|zh-Hans)$/.exec(document.documentElement.lang) ?? []
    return new Intl.DisplayNames([speaks], { type: 'language' }).of(code) ?? code
  } catch {
    return code
  }
}

/** A model's label as people read it. */
export function labelName(task: TaskId, label: string): string {
  if (task === 'languages') return languageName(label)
  if (label === 'oos') return t('label.oos', 'none of what it knows')
  return t(`label.${label}`, label.replaceAll('_', ' '))
}
