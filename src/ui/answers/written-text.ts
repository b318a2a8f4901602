import { css, html, nothing } from 'lit'
import type { Arm, FinishReason } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { formatTokenRate } from '../design/format-rate.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'
import type { Written, WrittenMove } from './follow-writing.ts'
import { moveText } from './move-text.ts'

const ending = (reason: FinishReason): string | undefined =>
  ({
    stop: undefined,
    length: t('write.length', 'It may go on.'),
    'tool-calls': t('write.tool-calls', 'It asks for a function.'),
    aborted: t('write.aborted', 'Stopped.'),
    'cut-off': t('write.cut-off', 'It was cut off.'),
  })[reason]

const nowText = (arm: Arm): string =>
  arm === 'edge' ? t('write.on-edge', 'written on this device') : t('write.in-cloud', 'written in the cloud')

/**
 * What a model writes, as it comes: after what it goes on from, with its speed, and how it ended. Where another place
 * went on with it, a mark says so, and a sentence below says why.
 */
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
      .mark {
        min-height: 0;
        padding: 0 3px;
        font-size: 0.7em;
        line-height: 1.3;
        vertical-align: super;
        color: var(--text);
        background: var(--sunken);
        border: 1px solid currentcolor;
        border-radius: 4px;
        cursor: pointer;
      }
      .mark.edge {
        border-color: var(--edge);
      }
      .mark.cloud {
        border-color: var(--cloud);
      }
      .moves {
        margin: 8px 0 0;
        padding-left: 20px;
      }
      .moves li:focus {
        outline: 2px solid var(--edge);
        outline-offset: 2px;
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

  /** The text, with a mark at each place where another one went on. */
  #marked({ text, moves }: Written) {
    if (moves.length === 0) return text
    return moves.map((move, index) => {
      const from = index === 0 ? text.slice(0, move.at) : ''
      const next = text.slice(move.at, moves[index + 1]?.at)
      return html`${from}${this.#mark(move, index + 1)}${next}`
    })
  }

  #mark(move: WrittenMove, count: number) {
    return html`<button
      type="button"
      class="mark ${move.to}"
      data-testid="move-mark"
      aria-label=${t('write.move-mark', str`Taken over here (${count}): ${moveText(move)}`)}
      title=${moveText(move)}
      @click=${() => this.renderRoot.querySelector<HTMLElement>(`#move-${count}`)?.focus()}
    >${count}</button>`
  }

  /** Why each of the moves was made. */
  #moves({ moves }: Written) {
    if (moves.length === 0) return nothing
    return html`<ol class="moves small muted" data-testid="moves" aria-label=${t('write.moves', 'Taken over')}>
      ${moves.map((move, index) => html`<li id="move-${index + 1}" tabindex="-1">${moveText(move)}</li>`)}
    </ol>`
  }

  #figures({ tokens, tokensPerSecond, reading, arm, ...end }: Written): string {
    // Who stopped it hears nothing more of it.
    const finishReason = end.finishReason ?? (this.running ? undefined : 'aborted')
    return [
      tokens === 0 && reading !== undefined && finishReason === undefined
        ? t('write.reading', str`Reading: ${reading.read} of ${reading.of} tokens`)
        : undefined,
      tokens > 0 ? t('write.tokens', str`${tokens} tokens`) : undefined,
      tokensPerSecond === undefined ? undefined : t('write.rate', str`${formatTokenRate(tokensPerSecond)} a second`),
      arm === undefined ? undefined : nowText(arm),
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
      <p class="text" data-testid="written" aria-busy=${running ? 'true' : 'false'}><span class="muted">${prompt}</span>${written === undefined ? '' : this.#marked(written)}</p>
      <div role="status">${written === undefined ? nothing : this.#moves(written)}</div>
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
