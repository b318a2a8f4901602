import { css, html } from 'lit'
import { UiElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { t } from '../../ui/texts/text.ts'

/** Pictures to try, by the folder that they lie in; each folder tells whose they are. */
const samples = (): Record<string, readonly (readonly [file: string, about: string])[]> => ({
  faces: [
    ['astronaut', t('samples.astronaut', 'An astronaut')],
    ['photographer', t('samples.photographer', 'A photographer')],
  ],
  things: [
    ['cat', t('samples.cat', 'A cat')],
    ['coffee', t('samples.coffee', 'A cup of coffee')],
  ],
})

/**
 * A few photos to try.
 *
 * @fires sample - one was picked; `detail` is its image
 */
export class PictureSamples extends UiElement {
  static override properties = { folder: { type: String } }
  static override styles = [
    sharedStyles,
    css`
      ul {
        display: flex;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      button {
        display: block;
        width: 72px;
        min-height: 0;
        padding: 0;
        overflow: hidden;
        aspect-ratio: 4 / 3;
        border-color: var(--line);
        border-radius: 8px;
      }
      button:hover {
        border-color: var(--text);
      }
      img {
        display: block;
        width: 100%;
        height: 100%;
        object-fit: cover;
        font-size: 12px;
      }
    `,
  ]
  declare folder: string

  #pick(event: Event): void {
    const image = (event.currentTarget as HTMLElement).querySelector('img')
    if (image) this.dispatchEvent(new CustomEvent<HTMLImageElement>('sample', { detail: image }))
  }

  override render() {
    return html`<ul aria-label=${t('samples.title', 'Or try one of these')}>
      ${(samples()[this.folder] ?? []).map(
        ([file, about]) => html`<li>
          <button type="button" data-testid="sample-${file}" title=${about} @click=${this.#pick}>
            <img
              src=${new URL(`samples/${this.folder}/${file}.jpg`, document.baseURI).href}
              alt=${about}
              width="72"
              height="54"
              draggable="false"
            />
          </button>
        </li>`,
      )}
    </ul>`
  }
}

customElements.define('picture-samples', PictureSamples)

declare global {
  interface HTMLElementTagNameMap {
    'picture-samples': PictureSamples
  }
}
