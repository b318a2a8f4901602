// What an operator's signals do to a running `hither serve`.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'
import { type Served, serveApp } from './support/served.ts'

const models = fileURLToPath(new URL('../packages/hither-models/models', import.meta.url))
let served: Served
test.afterEach(() => served.close())

const isRefused = () =>
  new Promise<boolean>((resolve) => {
    const socket = connect(served.port(), '127.0.0.1', () => resolve(false)).on('error', () => resolve(true))
    socket.unref().destroySoon()
  })

test('SIGTERM: what is under way is answered, nothing more is taken, and the process ends well', async () => {
  served = await serveApp()
  const body = JSON.stringify({
    inputs: [{ name: 'image', shape: [1, 1, 28, 28], datatype: 'UINT8', data: Array(784).fill(0) }],
  })
  const path = '/v2/models/digits/infer'
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }
  const sending = request({ host: '127.0.0.1', port: served.port(), path, method: 'POST', headers })
  const answered = new Promise<number>((resolve, reject) => {
    sending.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject)
  })
  // Half of it: the log names a request when its headers have come.
  sending.write(body.slice(0, 100))
  await expect.poll(() => served.log()).toContain(path)
  served.signal('SIGTERM')
  await expect.poll(isRefused).toBe(true)
  sending.end(body.slice(100))
  expect(await answered).toBe(200)
  expect(await served.ended()).toBe(0)
})

test('SIGHUP: a model that was put into the folder is served, and the process is the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hither-models-'))
  try {
    cpSync(join(models, 'digits'), join(folder, 'digits'), { recursive: true })
    served = await serveApp({ modelsDir: folder })
    const status = async (name: string) =>
      (await fetch(`http://127.0.0.1:${served.port()}/v2/models/${name}/ready`)).status
    expect(await status('digits')).toBe(200)
    expect(await status('language-identification')).toBe(404)
    cpSync(join(models, 'language-identification'), join(folder, 'language-identification'), { recursive: true })
    served.signal('SIGHUP')
    await expect.poll(() => status('language-identification')).toBe(200)
    expect(await status('digits')).toBe(200)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
