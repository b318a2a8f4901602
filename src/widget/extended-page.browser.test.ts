import { expect, test } from 'vitest'
import { openExtendedPage } from '../testing/extended-page.ts'
import type { HitherWidget } from './hither-widget.ts'

test('on a page that extends its prototypes, a changed attribute has its effect', async () => {
  const { page, close } = await openExtendedPage(`import '${new URL('./index.ts', import.meta.url).href}'`)
  try {
    const widget = page.document.createElement('hither-widget') as HitherWidget
    widget.setAttribute('task', 'languages')
    widget.setAttribute('host', `${location.origin}/nothing/`)
    page.document.body.append(widget)
    const run = () =>
      widget.run('some words').then(
        () => 'answered',
        ({ code }: { readonly code: string }) => code,
      )
    expect(await run()).not.toBe('config-invalid')
    widget.setAttribute('host', 'http://[')
    expect(await run()).toBe('config-invalid')
  } finally {
    close()
  }
})
