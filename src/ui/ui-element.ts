import { updateWhenLocaleChanges } from '@lit/localize'
import { LitElement } from 'lit'

/** An element whose texts follow the language. */
export class UiElement extends LitElement {
  constructor() {
    super()
    updateWhenLocaleChanges(this)
  }
}
