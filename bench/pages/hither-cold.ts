import { createClient, Tensor } from 'hither'
import { pictureInput, tellFirstAnswer } from './first-answer.ts'

// With `?cloud`, the endpoint of the same origin answers until the model is here.
const isCold = new URLSearchParams(location.search).has('cloud')
const client = createClient(isCold ? { endpoint: { url: location.origin } } : {})
const { input } = pictureInput()
const tensors = { input: new Tensor('float32', input?.data as Float32Array, input?.dims) }
const { outputs, route } = await client.run('mobilenet', tensors, isCold ? {} : { privacy: 'edge-only' })
const data = outputs.output?.data as Float32Array
tellFirstAnswer({ ran: route.ran, first: data[0] ?? Number.NaN, size: data.length })
Object.assign(globalThis, { hither: { client } })
