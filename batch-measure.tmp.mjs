import { InferenceSession, Tensor } from 'onnxruntime-node'
const [path, dtypeName] = process.argv.slice(2)
const s = await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 })
const meta = s.inputMetadata.map((m) => [m.name, m.type, JSON.stringify(m.shape)].join(' '))
console.log(meta.slice(0, 5).join('\n'), s.outputNames.slice(0, 3))
const caches = s.inputMetadata.filter((m) => m.name.startsWith('past_key_values.'))
const isNew = s.outputNames.some((n) => n.startsWith('new.'))
const fill = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i) * 0.1)
function feeds(b, past) {
  const f = {
    input_ids: new Tensor('int64', BigInt64Array.from({ length: b }, (_, i) => BigInt(5 + i)), [b, 1]),
    attention_mask: new Tensor('int64', new BigInt64Array(b * (past + 1)).fill(1n), [b, past + 1]),
    position_ids: new Tensor('int64', new BigInt64Array(b).fill(BigInt(past)), [b, 1]),
  }
  for (const c of caches) {
    const [, h, x, y] = c.shape
    const size = typeof y === 'number' ? y : x
    const dims = isNew && c.name.endsWith('.key') ? [b, h, size, past] : [b, h, past, size]
    f[c.name] = new Tensor('float32', fill(dims.reduce((p, q) => p * q)), dims)
  }
  for (const k of Object.keys(f)) if (!s.inputNames.includes(k)) delete f[k]
  return f
}
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
for (const past of [32, 128, 512]) {
  const one = feeds(1, past)
  let four
  try { four = feeds(4, past); await s.run(four) } catch (e) { console.log('batch 4 fails:', String(e.message).slice(0, 300)); four = undefined }
  const best = { one: Infinity, four: Infinity }
  for (let round = 0; round < 7; round++) {
    let t = cpu()
    for (let i = 0; i < 4; i++) await s.run(one)
    best.one = Math.min(best.one, cpu() - t)
    if (four) { t = cpu(); await s.run(four); best.four = Math.min(best.four, cpu() - t) }
  }
  console.log(`past ${past}: four in turns ${best.one.toFixed(1)} ms cpu, together ${best.four.toFixed(1)} ms, ratio ${(best.one / best.four).toFixed(2)}`)
}
