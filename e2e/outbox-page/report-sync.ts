import { listenForReportSync } from '../../dist/outbox/report-sync.js'

// The built service worker's side of the outbox.
listenForReportSync(self)
