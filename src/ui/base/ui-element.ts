import { updateWhenLocaleChanges } from '@lit/localize/internal/localized-controller.js'
import { LitElement } from 'lit'
import { nextTask } from './next-task.ts'

/** An element whose texts follow the language. */
export class UiElement extends LitElement {
  constructor() {
    super()
    updateWhenLocaleChanges(this)
  }
}

/** One that takes a while to be shown for the first time: that is a task of its own, and the page can answer before it. */
export class LaterElement extends UiElement {
  protected override async scheduleUpdate(): Promise<void> {
    if (!this.hasUpdated) await nextTask()
    await super.scheduleUpdate()
  }
}
