import { html, nothing, type TemplateResult } from 'lit'
import type { Classification, Detections, RouteRecord } from '../index.ts'
import '../ui/answers/digit-answer.ts'
import '../ui/input/drawing-pad.ts'
import '../ui/input/file-button.ts'
import { labelName } from '../ui/texts/label-names.ts'
import '../ui/answers/picture-finds.ts'
import '../ui/answers/ranking-view.ts'
import '../ui/route/route-view.ts'
import type { Written } from '../ui/answers/follow-writing.ts'
import type { Speech } from '../ui/answers/speech-timeline.ts'
import '../ui/answers/speech-timeline.ts'
import { isTaskId, type TaskId, type TaskKind, taskSpecs, taskTitles } from '../ui/texts/tasks.ts'
import { t } from '../ui/texts/text.ts'
import type { WidgetAnswer } from './engine-types.ts'

/** Pause in typing after which the text is read, in milliseconds. */
const settleMs = 300
/** Longest side of a picture as it is shown. */
const previewSide = 1024

/** What a view needs of its widget. */
export interface WidgetHost {
  readonly task: string
  readonly status: string
  readonly answer: WidgetAnswer | undefined
  readonly route: RouteRecord | undefined
  readonly renderRoot: ParentNode
  run(input: string | Blob | ImageBitmap): Promise<unknown>
  clear(): void
  /** Gives up a request under way; what was answered stays. */
  stop(): void
  requestUpdate(): void
}

/** What a widget shows once it has come near. */
export interface WidgetView {
  title(): string
  input(): TemplateResult
  answer(): TemplateResult
  route(): TemplateResult
}

export function createView(widget: WidgetHost): WidgetView {
  // Of the tasks, one shows text as it comes.
  if (widget.task === 'write') void import('../ui/answers/written-text.ts')
  let picture: ImageBitmap | undefined
  let beginning = ''
  let settling: ReturnType<typeof setTimeout> | undefined

  const taskId = (): TaskId => (isTaskId(widget.task) ? widget.task : 'digits')
  const kind = (): TaskKind => taskSpecs.find(({ id }) => id === taskId())?.kind ?? 'drawing'
  const nameOf = (label: string) => labelName(taskId(), label)
  // A failure is shown by the widget, and told by its event.
  const run = (input: string | Blob | ImageBitmap) => void widget.run(input).catch(() => {})
  const pad = () => widget.renderRoot.querySelector('hither-pad')

  const drawn = async () => {
    const canvas = pad()?.canvas
    if (canvas) run(await createImageBitmap(canvas))
  }
  const clear = () => {
    pad()?.clear()
    widget.clear()
  }
  const typed = (event: Event) => {
    const { value } = event.currentTarget as HTMLTextAreaElement
    clearTimeout(settling)
    if (value.trim() === '') widget.clear()
    else settling = setTimeout(() => run(value), settleMs)
  }
  const chosen = async ({ detail: [file] }: CustomEvent<readonly File[]>) => {
    if (!file) return
    widget.clear()
    run(file)
    if (kind() === 'sound') return
    const preview = await createImageBitmap(file, { resizeWidth: previewSide }).catch(() => undefined)
    if (preview === undefined) return
    if (kind() === 'drawing') pad()?.show(preview)
    else {
      picture = preview
      widget.requestUpdate()
    }
  }
  const chooser = (accept: string, label: string) =>
    html`<hither-file accept=${accept} name="widget-file" @files=${chosen}>${label}</hither-file>`

  const field = () => widget.renderRoot.querySelector('textarea')
  const write = () => {
    const text = field()?.value ?? ''
    if (text.trim() === '') return
    widget.clear()
    beginning = text
    run(text)
  }
  const entered = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    write()
  }

  const inputs: Record<TaskKind, () => TemplateResult> = {
    drawing: () => html`<hither-pad @stroke-start=${() => widget.clear()} @drawn=${drawn}></hither-pad>
      <div class="row">
        <button type="button" @click=${clear}>${t('pad.clear', 'Clear')}</button>
        ${chooser('image/*', t('pad.choose', 'Choose a picture'))}
      </div>`,
    text: () => html`<textarea
      class="field"
      rows="2"
      maxlength="5000"
      aria-label=${t('text.language', 'A sentence in any language')}
      @input=${typed}
    ></textarea>`,
    picture: () => html`<hither-finds
        .picture=${picture}
        .finds=${widget.answer as Detections | undefined}
        .nameOf=${nameOf}
      ></hither-finds>
      <div class="row">${chooser('image/*', t('pad.choose', 'Choose a picture'))}</div>`,
    sound: () => html`<div class="row">${chooser('audio/*,video/*', t('sound.choose', 'Choose a recording'))}</div>`,
    writing: () => html`<textarea
        class="field"
        rows="2"
        maxlength="20000"
        aria-label=${t('write.beginning', 'A beginning, in English, for the model to go on with')}
        placeholder=${t('write.beginning', 'A beginning, in English, for the model to go on with')}
        @keydown=${entered}
      ></textarea>
      <div class="row">
        ${
          widget.status === 'running'
            ? html`<button type="button" name="stop" @click=${() => widget.stop()}>${t('write.stop', 'Stop')}</button>`
            : html`<button type="button" name="write" @click=${write}>${t('write.write', 'Write')}</button>`
        }
      </div>`,
  }
  const answers: Record<TaskKind, () => TemplateResult> = {
    drawing: () => html`<hither-answer
      .answer=${widget.answer as Classification | undefined}
      .running=${widget.status === 'running'}
    ></hither-answer>`,
    text: () => html`<hither-ranking
      .answer=${widget.answer as Classification | undefined}
      .running=${widget.status === 'running'}
      .nameOf=${nameOf}
    ></hither-ranking>`,
    picture: () => html`${nothing}`,
    writing: () => html`<hither-written
      aria-live="polite"
      .prompt=${beginning}
      .written=${widget.answer as Written | undefined}
      .running=${widget.status === 'running'}
    ></hither-written>`,
    sound: () => html`<hither-timeline .speech=${widget.answer as Speech | undefined}></hither-timeline>`,
  }

  return {
    title: () => taskTitles()[taskId()],
    input: () => inputs[kind()](),
    answer: () => answers[kind()](),
    route: () => html`<hither-route .route=${widget.route}></hither-route>`,
  }
}
