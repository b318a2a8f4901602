import { css, html, nothing } from 'lit'
import type { FinishReason } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { formatTokenRate } from '../design/format-rate.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'
import type { Written } from './follow-writing.ts'

const ending = (reason: FinishReason): string | undefined =>
  ({
    stop: undefined,
    length: t('write.length', 'It may go on.'),
    'tool-calls': t('write.tool-calls', 'It asks for a function.'),
    aborted: t('write.aborted', 'Stopped.'),
    'cut-off': t('write.cut-off', 'It was cut off.'),
  })[reason]

/** What a model writes, as it comes: after what it goes on from, with its speed, and how it ended. */
export class WrittenText extends UiElement {
  static override properties = { prompt: { type: String }, written: { attribute: false }, running: { type: Boolean } }
  static override styles = [
    sharedStyles,
    css`
      .text {
        min-height: 3em;
        line-height: 1.55;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .running .text::after {
        content: '';
        display: inline-block;
        width: 0.5em;
        height: 1em;
        margin-left: 2px;
        vertical-align: -0.12em;
        background: var(--edge);
        border-radius: 2px;
        animation: blink 1s steps(2) infinite;
      }
      @keyframes blink {
        to {
          opacity: 0;
        }
      }
      .figures {
        margin-top: 8px;
        font-variant-numeric: tabular-nums;
      }
    `,
  ]
  /** What it goes on from, shown before it. */
  declare prompt: string
  declare written: Written | undefined
  declare running: boolean

  constructor() {
    super()
    this.prompt = ''
  }

  #figures({ tokens, tokensPerSecond, reading, moves, ...end }: Written): string {
    // Who stopped it hears nothing more of it.
    const finishReason = end.finishReason ?? (this.running ? undefined : 'aborted')
    return [
      tokens === 0 && reading !== undefined && finishReason === undefined
        ? t('write.reading', str`Reading: ${reading.read} of ${reading.of} tokens`)
        : undefined,
      tokens > 0 ? t('write.tokens', str`${tokens} tokens`) : undefined,
      tokensPerSecond === undefined ? undefined : t('write.rate', str`${formatTokenRate(tokensPerSecond)} a second`),
      moves > 0 ? t('write.moves', str`taken over ${moves} times`) : undefined,
      finishReason === 'stop' && tokens === 0 ? t('write.nothing', 'The model has nothing to add.') : undefined,
      finishReason === undefined ? undefined : ending(finishReason),
    ]
      .filter((figure) => figure !== undefined)
      .join(' · ')
  }

  override render() {
    const { prompt, written, running } = this
    if (written === undefined && !running) return nothing
    return html`<div class=${running ? 'running' : ''}>
      <p class="text" data-testid="written" aria-busy=${running ? 'true' : 'false'}><span class="muted">${prompt}</span>${written?.text ?? ''}</p>
      <p class="figures small muted" data-testid="written-figures">${written === undefined ? '' : this.#figures(written)}</p>
    </div>`
  }
}

define('hither-written', WrittenText)

declare global {
  interface HTMLElementTagNameMap {
    'hither-written': WrittenText
  }
}
