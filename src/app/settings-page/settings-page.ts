import { css, html, type TemplateResult } from 'lit'
import { type Privacy, privacyModes } from '../../index.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { privacyNames } from '../../ui/texts/names.ts'
import { t } from '../../ui/texts/text.ts'
import { speak } from '../language/language.ts'
import { AppPage } from '../page/app-page.ts'
import { pageStyles } from '../page/page-styles.ts'
import { type Language, languages, type SimulationName, simulations } from '../state/preferences.ts'

const isWebAddress = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** What the person decides. */
export class SettingsPage extends AppPage {
  static override properties = { ...AppPage.properties, wrongAddress: { state: true }, saved: { state: true } }
  static override styles = [
    sharedStyles,
    pageStyles,
    css`
      .grid {
        align-items: start;
      }
      fieldset {
        min-width: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend,
      .legend {
        padding: 0;
        font-size: 15px;
        font-weight: 600;
      }
      .options {
        display: grid;
        gap: 4px;
        margin-top: 10px;
      }
      .option {
        display: grid;
        grid-template-columns: 20px 1fr;
        gap: 10px;
        align-items: baseline;
        padding: 6px 8px;
        margin: 0 -8px;
        border-radius: 8px;
        cursor: pointer;
      }
      .option:hover {
        background: var(--sunken);
      }
      input[type='radio'],
      input[type='checkbox'] {
        width: 17px;
        height: 17px;
        margin: 0;
        accent-color: var(--edge);
        translate: 0 3px;
      }
      .fields {
        display: grid;
        gap: 12px;
        margin-top: 12px;
      }
      .fields label span {
        display: block;
        margin-bottom: 4px;
      }
      .simulation {
        border: 1px dashed var(--sim);
      }
      .simulation legend {
        color: var(--sim);
      }
    `,
  ]
  declare wrongAddress: boolean
  declare saved: boolean

  override connectedCallback(): void {
    super.connectedCallback()
    void import('./reports-panel.ts').catch(() => {})
  }

  #radios<T extends string>(
    name: string,
    values: readonly T[],
    chosen: T,
    labels: Record<T, string>,
    set: (value: T) => void,
  ) {
    return html`<div class="options">
      ${values.map(
        (value) => html`<label class="option">
          <input
            type="radio"
            name=${name}
            value=${value}
            data-testid="${name}-${value}"
            .checked=${value === chosen}
            @change=${() => set(value)}
          />
          <span>${labels[value]}</span>
        </label>`,
      )}
    </div>`
  }

  #check(id: string, checked: boolean, label: string, set: (checked: boolean) => void) {
    return html`<label class="option">
      <input
        type="checkbox"
        data-testid=${id}
        .checked=${checked}
        @change=${(event: Event) => set((event.currentTarget as HTMLInputElement).checked)}
      />
      <span>${label}</span>
    </label>`
  }

  #card(legend: string, note: string, content: TemplateResult, extra = '') {
    return html`<section class="card ${extra}">
      <fieldset>
        <legend>${legend}</legend>
        <p class="small muted">${note}</p>
        ${content}
      </fieldset>
    </section>`
  }

  readonly #saveEndpoint = (event: Event) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const read = (name: string) => form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value.trim() ?? ''
    const address = read('endpoint')
    this.wrongAddress = address !== '' && !isWebAddress(address)
    this.saved = false
    if (this.wrongAddress) return
    const endpoint = address === '' ? undefined : address
    void this.app.change({ endpoint, token: read('token') }).then(() => {
      this.saved = true
    })
  }

  #endpoint() {
    const { preferences, hasToken } = this.app.state
    return html`<form class="fields" @submit=${this.#saveEndpoint}>
      <label>
        <span class="small">${t('settings.endpoint', 'Address')}</span>
        <input
          class="field"
          name="endpoint"
          type="text"
          inputmode="url"
          data-testid="endpoint"
          placeholder=${new URL('.', document.baseURI).href.replace(/\/$/, '')}
          aria-invalid=${this.wrongAddress ? 'true' : 'false'}
          .value=${preferences.endpoint ?? ''}
        />
      </label>
      <label>
        <span class="small">${t('settings.token', 'Access token, if it asks for one')}</span>
        <input
          class="field"
          name="token"
          type="password"
          autocomplete="off"
          data-testid="token"
          placeholder=${hasToken ? t('settings.token-set', 'set for this visit') : ''}
        />
      </label>
      <div class="row">
        <button class="primary" data-testid="save-endpoint">${t('settings.use', 'Use it')}</button>
        <span class="small" role="status">
          ${
            this.wrongAddress
              ? t('settings.wrong-address', 'That is no http or https address.')
              : this.saved
                ? t('settings.saved', 'In use.')
                : ''
          }
        </span>
      </div>
    </form>`
  }

  /** Switched off, what waits is forgotten first, for every page and the service worker of this origin. */
  async #report(report: boolean): Promise<void> {
    const { app } = this
    // Where its script can't be fetched, nothing was recorded, and the next client records nothing.
    const keep = async () => (await app.client()).outbox.setEnabled(report).catch(() => {})
    if (!report) await keep()
    await app.change({ report })
    if (report) await keep()
  }

  #language(language: Language): void {
    this.app.setLanguage(language)
    void speak(language)
  }

  override render() {
    const { preferences, simulation, hasToken } = this.app.state
    const { app } = this
    return html`<h1>${t('nav.settings', 'Settings')}</h1>
      <p class="muted lead">${t('settings.lead', 'Kept on this device. A token is kept for this visit only, and never written down.')}</p>
      <div class="grid two">
        ${this.#card(
          t('settings.language', 'Language'),
          t('settings.language-note', 'Switched at once.'),
          this.#radios(
            'language',
            languages,
            preferences.language,
            { auto: t('settings.auto', 'As the browser'), en: 'English', 'zh-Hans': '简体中文' },
            (language) => this.#language(language),
          ),
        )}
        ${this.#card(
          t('privacy.label', 'Where it may run'),
          t(
            'settings.privacy-note',
            'What is only for this device never leaves it, not even in a report of a failure.',
          ),
          this.#radios('privacy', privacyModes, preferences.privacy, privacyNames(), (privacy: Privacy) =>
            app.setPrivacy(privacy),
          ),
        )}
        ${this.#card(
          t('settings.data', 'Data'),
          t(
            'settings.data-note',
            'Results are reported without what you gave: where a request ran, how long it took, and which errors there were.',
          ),
          html`<div class="options">
            ${this.#check('save-data', preferences.saveData, t('settings.save-data', 'Save data: fetch no model that was not asked for, and send nothing that can run here'), (saveData) => void app.change({ saveData }))}
            ${this.#check('report', preferences.report, t('settings.report', 'Report to the endpoint where requests ran'), (report) => void this.#report(report))}
          </div>
          <reports-panel
            .app=${app}
            .client=${[preferences.endpoint, preferences.saveData, hasToken].join(' ')}
            ?on=${preferences.report && simulation === 'none'}
          ></reports-panel>`,
        )}
        ${this.#card(t('settings.cloud', 'Endpoint'), t('settings.cloud-note', 'The server that answers in the cloud. Empty: the one that this page came from.'), this.#endpoint())}
        ${this.#card(
          t('settings.simulation', 'Pretend'),
          t(
            'settings.simulation-note',
            'Simulated, to see what Hither would do. Nothing that is measured meanwhile is kept or reported.',
          ),
          this.#radios(
            'simulation',
            simulations,
            simulation,
            {
              none: t('settings.sim-none', 'Nothing: measure what is there'),
              '3g': t('settings.sim-3g', 'To be on 3G: 400 ms, 0.4 Mbit/s up and down'),
              offline: t('settings.sim-offline', 'To be offline'),
              'slow-device': t('settings.sim-slow', 'To be a device eight times as slow'),
            },
            (chosen: SimulationName) => void app.change({ simulation: chosen }),
          ),
          'simulation',
        )}
      </div>`
  }
}

customElements.define('settings-page', SettingsPage)

declare global {
  interface HTMLElementTagNameMap {
    'settings-page': SettingsPage
  }
}
