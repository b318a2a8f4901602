// Runs in the audio thread, where a module must be plain JavaScript in a file of its own: it is loaded by its address,
// and bundlers copy it as it is. It collects what it hears and posts it in pieces of about 32 ms.
const pieceSamples = Math.max(128, Math.round(sampleRate * 0.032))

class SoundTap extends AudioWorkletProcessor {
  #pieces = []
  #collected = 0

  process([channels]) {
    const length = channels?.[0]?.length ?? 0
    // A source that has not started yet, or has stopped, has no channels.
    if (length === 0) return true
    this.#pieces.push(channels.map((samples) => samples.slice()))
    this.#collected += length
    if (this.#collected >= pieceSamples) this.#post()
    return true
  }

  #post() {
    const count = Math.min(...this.#pieces.map((piece) => piece.length))
    const joined = Array.from({ length: count }, () => new Float32Array(this.#collected))
    let at = 0
    for (const piece of this.#pieces) {
      for (let channel = 0; channel < count; channel += 1) joined[channel].set(piece[channel], at)
      at += piece[0].length
    }
    this.#pieces = []
    this.#collected = 0
    this.port.postMessage(
      joined,
      joined.map(({ buffer }) => buffer),
    )
  }
}

registerProcessor('hither-sound-tap', SoundTap)
