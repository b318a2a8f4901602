import { allowOwnWorkers } from '../ui/base/trusted-types.ts'
import { t } from '../ui/texts/text.ts'
import { languageFor, speak } from './language/language.ts'
import './shell/hither-app.ts'
import { createApp } from './state/app.ts'
import type { Settings } from './state/read-settings.ts'

/** Fetched for an address that asks for settings; most do not. */
async function settingsOf(query: string): Promise<Settings> {
  const read = query === '' ? undefined : await import('./state/read-settings.ts').catch(() => undefined)
  return read?.readSettings(new URLSearchParams(query)) ?? { problems: [] }
}

allowOwnWorkers()

const element = document.querySelector('hither-app')

if (element) {
  const settings = await settingsOf(location.search)
  const app = createApp({
    settings,
    load: async () => {
      const client = import('./state/make-client.ts')
      client.catch(() => {}) // handled by the await below
      // The page first: what the client starts would take the time of its thread where there are few cores.
      await element.whenShown
      return (await client).createAppClient
    },
  })
  const { language } = app.state.preferences
  if (languageFor(language) !== document.documentElement.lang) await speak(language)
  element.app = app
  element.notices = settings.problems.map(
    (problem) =>
      `${t('problem.settings', 'The address of this page asks for something that it cannot do, so the usual setting is used:')} ${problem}`,
  )
  element.whenShown
    .then(() => import('./offline/start-offline.ts'))
    .then(({ startOffline }) =>
      startOffline(app, {
        onFiles: (files) => void element.take(files),
        onNewVersion: (take) => {
          element.newVersion = take
        },
      }),
    )
    // Without it, the page works online.
    .catch(() => {})
  void app.start()
}
