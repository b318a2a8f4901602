import { css, html } from 'lit'
import { LaterElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { str, t } from '../../ui/texts/text.ts'

const digits = Array.from({ length: 10 }, (_, digit) => digit)

/**
 * One handwritten sample of each digit.
 *
 * @fires sample - a sample was picked; `detail` is its image
 */
export class SampleStrip extends LaterElement {
  static override styles = [
    sharedStyles,
    css`
      ul {
        display: grid;
        grid-template-columns: repeat(10, minmax(0, 1fr));
        gap: 6px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      button {
        display: block;
        width: 100%;
        min-height: 0;
        padding: 0;
        overflow: hidden;
        aspect-ratio: 1;
        border-color: var(--line);
        border-radius: 8px;
        background: #000;
      }
      button:hover:not(:disabled) {
        border-color: var(--text);
        background: #000;
      }
      img {
        display: block;
        width: 100%;
        height: 100%;
        color: #fff;
        font-size: 12px;
      }
      @media (max-width: 480px), (min-width: 700px) and (max-width: 899px) {
        ul {
          grid-template-columns: repeat(5, minmax(0, 1fr));
        }
      }
    `,
  ]

  #pick(event: Event): void {
    const image = (event.currentTarget as HTMLElement).querySelector('img')
    if (image) this.dispatchEvent(new CustomEvent<HTMLImageElement>('sample', { detail: image }))
  }

  override render() {
    return html`<ul aria-label=${t('samples.title', 'Or try one of these')}>
        ${digits.map(
          (digit) => html`<li>
            <button type="button" data-testid="sample-${digit}" @click=${this.#pick}>
              <img
                src=${new URL(`samples/digits/${digit}.png`, document.baseURI).href}
                alt=${t('samples.label', str`Sample of a ${digit}`)}
                width="28"
                height="28"
                draggable="false"
              />
            </button>
          </li>`,
        )}
      </ul>`
  }
}

customElements.define('sample-strip', SampleStrip)

declare global {
  interface HTMLElementTagNameMap {
    'sample-strip': SampleStrip
  }
}
