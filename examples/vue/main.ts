import { createApp, h, ref } from 'vue'

/** Vue passes attributes and events of a custom element on as they are: no wrapper is needed. */
const App = {
  setup() {
    const said = ref('nothing yet')
    const tell = ({ detail }: CustomEvent<{ answer: { label: string }; route: { ran: string } }>) => {
      said.value = `${detail.answer.label}, by the ${detail.route.ran}`
    }
    return () =>
      h('main', [
        h('hither-widget', { task: 'languages', 'onHither-result': tell }),
        h('p', { 'data-testid': 'said' }, said.value),
      ])
  },
}

createApp(App).mount('#root')
