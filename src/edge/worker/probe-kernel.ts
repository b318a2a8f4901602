// Written by training/probe-kernel/make.py: a 3x3 convolution, 32 channels to 32, on [1, 32, H, W].
export const probeChannels = 32

/** Multiply-accumulates of one run on an image of `side` by `side`. */
export const probeMacs = (side: number): number => 9 * probeChannels * probeChannels * side * side

/** The kernel's ONNX file. */
export const probeKernel = (): Uint8Array =>
  Uint8Array.from(
    atob(
      'CAgSBmhpdGhlcjraAQo/CgVzaGFwZRIHd2VpZ2h0cyIPQ29uc3RhbnRPZlNoYXBlKhwKBXZhbHVlKhAIARABIgQK1yM8QgRmaWxsoAEECj8KAXgKB3dlaWdodHMSAXkiBENvbnYqFQoMa2VybmVsX3NoYXBlQANAA6ABByoRCgRwYWRzQAFAAUABQAGgAQcSBXByb2JlKhEIBBAHOgQgIAMDQgVzaGFwZVodCgF4EhgKFggBEhIKAggBCgIIIAoDEgFoCgMSAXdiHQoBeRIYChYIARISCgIIAQoCCCAKAxIBaAoDEgF3QgQKABAR',
    ),
    (character) => character.charCodeAt(0),
  )
