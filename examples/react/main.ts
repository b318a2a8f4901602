import { createElement, useState } from 'react'
import { createRoot } from 'react-dom/client'

/** React 19 sets attributes of a custom element and listens to its events by itself: no wrapper is needed. */
function App() {
  const [said, setSaid] = useState('nothing yet')
  return createElement(
    'main',
    null,
    createElement('hither-widget', {
      task: 'languages',
      'onhither-result': ({ detail }: CustomEvent<{ answer: { label: string }; route: { ran: string } }>) =>
        setSaid(`${detail.answer.label}, by the ${detail.route.ran}`),
    }),
    createElement('p', { 'data-testid': 'said' }, said),
  )
}

const root = document.querySelector('#root')
if (root) createRoot(root).render(createElement(App))
