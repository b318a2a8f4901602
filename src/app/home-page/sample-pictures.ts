import { css, html } from 'lit'
import { LaterElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { str, t } from '../../ui/texts/text.ts'

interface Sample {
  readonly name: string
  readonly about: string
}

/** The pictures to try, by the folder of `public/samples/` that they lie in. */
const samplesIn = (folder: string): readonly Sample[] => {
  switch (folder) {
    case 'digits':
      return Array.from({ length: 10 }, (_, digit) => ({
        name: String(digit),
        about: t('samples.label', str`Sample of a ${digit}`),
      }))
    case 'faces':
      return [
        { name: 'astronaut', about: t('samples.astronaut', 'An astronaut') },
        { name: 'photographer', about: t('samples.photographer', 'A photographer') },
      ]
    case 'things':
      return [
        { name: 'cat', about: t('samples.cat', 'A cat') },
        { name: 'coffee', about: t('samples.coffee', 'A cup of coffee') },
      ]
    default:
      return []
  }
}

/**
 * Pictures to try: a handwritten sample of each digit, or a few photos.
 *
 * @fires sample - a picture was picked; `detail` is its image
 */
export class SamplePictures extends LaterElement {
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
      button:hover:not(:disabled) {
        border-color: var(--text);
      }
      img {
        display: block;
        width: 100%;
        height: 100%;
        object-fit: cover;
        font-size: 12px;
      }
      .digits {
        display: grid;
        grid-template-columns: repeat(10, minmax(0, 1fr));
        gap: 6px;
      }
      .digits button,
      .digits button:hover:not(:disabled) {
        width: 100%;
        aspect-ratio: 1;
        background: #000;
      }
      .digits img {
        color: #fff;
      }
      @media (max-width: 480px), (min-width: 700px) and (max-width: 899px) {
        .digits {
          grid-template-columns: repeat(5, minmax(0, 1fr));
        }
      }
    `,
  ]
  /** Which pictures: `digits`, `faces` or `things`. */
  declare folder: string

  #pick(event: Event): void {
    const image = (event.currentTarget as HTMLElement).querySelector('img')
    if (image) this.dispatchEvent(new CustomEvent<HTMLImageElement>('sample', { detail: image }))
  }

  override render() {
    const { folder } = this
    const isDigits = folder === 'digits'
    const [width, height, ending] = isDigits ? [28, 28, 'png'] : [72, 54, 'jpg']
    return html`<ul class=${isDigits ? 'digits' : ''} aria-label=${t('samples.title', 'Or try one of these')}>
      ${samplesIn(folder).map(
        ({ name, about }) => html`<li>
          <button type="button" data-testid="sample-${name}" title=${about} @click=${this.#pick}>
            <img
              src=${new URL(`samples/${folder}/${name}.${ending}`, document.baseURI).href}
              alt=${about}
              width=${width}
              height=${height}
              draggable="false"
            />
          </button>
        </li>`,
      )}
    </ul>`
  }
}

customElements.define('sample-pictures', SamplePictures)

declare global {
  interface HTMLElementTagNameMap {
    'sample-pictures': SamplePictures
  }
}
