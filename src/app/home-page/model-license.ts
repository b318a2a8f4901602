import { html, nothing, type TemplateResult } from 'lit'
import type { ModelEntry } from '../../index.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { str, t } from '../../ui/texts/text.ts'

/** Under which licence a model would come here, for as long as it has not. */
export function modelLicense(model: ModelEntry | undefined): TemplateResult | typeof nothing {
  if (model?.state.status !== 'absent') return nothing
  const { license, totalBytes } = model
  return html`<p class="small muted" data-testid="license">
    ${t('license.before', str`The first use fetches the model, ${formatBytes(totalBytes)}, under its authors’ licence:`)}
    ${
      license.url === undefined
        ? license.name
        : html`<a href=${license.url} target="_blank" rel="noreferrer">${license.name}</a>`
    }
  </p>`
}
