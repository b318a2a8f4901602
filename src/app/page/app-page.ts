import { UiElement } from '../../ui/base/ui-element.ts'
import type { App } from '../state/app.ts'

/** A page that shows the app's state. */
export abstract class AppPage extends UiElement {
  static override properties = { app: { attribute: false } }
  declare app: App

  #stop: (() => void) | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#stop = this.app.subscribe(() => this.requestUpdate())
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stop?.()
  }
}
