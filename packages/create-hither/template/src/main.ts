import { createClient, type RunOptions } from 'hither'

const find = <T extends Element>(name: string): T => {
  const element = document.querySelector<T>(name)
  if (element === null) throw new Error(`index.html has no ${name}`)
  return element
}
const canvas = find<HTMLCanvasElement>('canvas')
const choice = find<HTMLSelectElement>('select')
const output = find<HTMLOutputElement>('output')
const pen = canvas.getContext('2d')
if (pen) Object.assign(pen, { lineWidth: 24, lineCap: 'round', lineJoin: 'round' })

// The models are those of public/models/catalog.json; the endpoint is the server that this page comes from.
const client = createClient({ endpoint: { url: location.origin } })

async function answer(): Promise<void> {
  try {
    const privacy = choice.value as RunOptions['privacy']
    const { answer, route } = await client.run('digits', { image: canvas }, { privacy })
    output.textContent = `${answer?.label}, from the ${route.ran} in ${Math.round(route.actualMs)} ms. ${route.why}`
  } catch (error) {
    output.textContent = error instanceof Error ? error.message : String(error)
  }
}

canvas.addEventListener('pointerdown', ({ pointerId, offsetX, offsetY }) => {
  canvas.setPointerCapture(pointerId)
  pen?.beginPath()
  pen?.moveTo(offsetX, offsetY)
})
canvas.addEventListener('pointermove', ({ buttons, offsetX, offsetY }) => {
  if (buttons === 0) return
  pen?.lineTo(offsetX, offsetY)
  pen?.stroke()
})
canvas.addEventListener('pointerup', () => void answer())
find('button').addEventListener('click', () => pen?.clearRect(0, 0, canvas.width, canvas.height))
