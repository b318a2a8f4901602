import { css, html, LitElement } from 'lit'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

/**
 * Asks for an access token. It is handed on and not kept here.
 *
 * @fires token-given - with the token as its detail
 */
export class TokenForm extends LitElement {
  static override properties = { texts: { attribute: false }, problem: { attribute: false } }
  static override styles = [
    cardStyles,
    css`
      .card {
        max-width: 560px;
        height: auto;
        margin: 8vh auto 0;
        padding: 28px;
      }
      form {
        display: flex;
        flex-wrap: wrap;
        gap: 10px;
        margin: 18px 0;
      }
      .field {
        flex: 1 1 240px;
        width: auto;
        min-width: 0;
      }
      .code {
        white-space: normal;
        overflow-wrap: anywhere;
      }
      .problem {
        margin-top: 12px;
      }
    `,
  ]
  declare texts: Texts
  declare problem: string | undefined

  constructor() {
    super()
    this.texts = english
  }

  #give(event: SubmitEvent) {
    event.preventDefault()
    const input = this.renderRoot.querySelector('input')
    const token = input?.value.trim()
    if (token) this.dispatchEvent(new CustomEvent('token-given', { detail: token }))
  }

  override render() {
    const { token } = this.texts
    return html`<section class="card">
      <h2>${token.title}</h2>
      <p class="muted">${token.hint}</p>
      <p class="problem" role="alert" ?hidden=${this.problem === undefined} data-testid="problem">${this.problem}</p>
      <form @submit=${this.#give}>
        <input class="field" type="password" autocomplete="off" spellcheck="false" aria-label=${token.label} placeholder=${token.label} />
        <button type="submit">${token.open}</button>
      </form>
      <p class="small muted code">${token.make}</p>
    </section>`
  }
}

customElements.define('token-form', TokenForm)

declare global {
  interface HTMLElementTagNameMap {
    'token-form': TokenForm
  }
}
