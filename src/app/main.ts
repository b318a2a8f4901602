import { t } from '../ui/texts/text.ts'
import { speak } from './language/language.ts'
import { keepOffline } from './offline/keep-offline.ts'
import { watchUpdates } from './offline/updates.ts'
import './shell/hither-app.ts'
import { allowOwnWorkers } from '../ui/base/trusted-types.ts'
import { createApp } from './state/app.ts'
import { readSettings } from './state/read-settings.ts'

allowOwnWorkers()

const element = document.querySelector('hither-app')

if (element) {
  const settings = readSettings(new URLSearchParams(location.search))
  const app = createApp({
    settings,
    load: async () => {
      const client = import('./state/make-client.ts')
      client.catch(() => {}) // told below
      // The page first: what the client starts would take the time of its thread where there are few cores.
      await element.whenShown
      return (await client).createAppClient
    },
  })
  await speak(app.state.preferences.language)
  element.app = app
  element.notices = settings.problems.map(
    (problem) =>
      `${t('problem.settings', 'The address of this page asks for something that it cannot do, so the usual setting is used:')} ${problem}`,
  )
  keepOffline(app)
  watchUpdates(app, (take) => {
    element.newVersion = take
  })
  if ('launchQueue' in globalThis || new URLSearchParams(location.search).has('shared')) {
    import('./offline/given-files.ts')
      .then(({ receiveGivenFiles }) => receiveGivenFiles((file) => void element.take(file)))
      .catch(() => {})
  }
  void app.start()
}
