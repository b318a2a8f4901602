import { createClient } from '../index.ts'
import './hither-app.ts'
import { keepOffline } from './keep-offline.ts'
import { readSettings } from './read-settings.ts'
import { createSession, toProblem } from './session.ts'
import { texts } from './texts.ts'

const settings = readSettings(new URLSearchParams(location.search))
const app = document.querySelector('hither-app')

if (app) {
  app.notices = settings.problems.map((problem) => `${texts.problem.settings} ${problem}`)
  try {
    const client = createClient({
      catalog: new URL('models/catalog.json', document.baseURI),
      endpoint: { url: settings.endpoint ?? location.origin },
      policy: {
        ...(settings.privacy === undefined ? {} : { privacy: settings.privacy }),
        ...(settings.deadlineMs === undefined ? {} : { deadlineMs: settings.deadlineMs }),
      },
      ...(settings.backends === undefined ? {} : { runtime: { backends: settings.backends } }),
    })
    keepOffline(client)
    const session = createSession(client, settings.privacy)
    app.session = session
    void session.start()
  } catch (error) {
    app.notices = [...app.notices, toProblem(error).message]
  }
}
