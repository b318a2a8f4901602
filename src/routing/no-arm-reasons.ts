/** Every reason for which no arm can take a request, with its sentence for people. The list is closed. */
export const noArmReasons = {
  'edge-only-unavailable': 'This request must stay on this device, and this browser cannot run the model.',
  'edge-only-offline':
    'This request must stay on this device, but the model is not on it yet and the device is offline. Connect once to download it.',
  'cloud-only-no-endpoint': 'This request must run in the cloud, but no endpoint is configured.',
  'cloud-only-closed':
    'This request must run in the cloud, but its operator said that the endpoint must not be used now. Try again later.',
  'cloud-only-offline':
    'This request must run in the cloud, but this device is offline. Try again when it is connected.',
  'cloud-only-lacks-model': 'This request must run in the cloud, but the endpoint does not have this model.',
  'offline-model-absent':
    'This device is offline and the model is not on it yet. Connect once, so that it can be downloaded.',
  'offline-edge-unavailable':
    'This device is offline, and its browser cannot run the model. Try again when it is connected.',
  'edge-unavailable-no-endpoint': 'This browser cannot run the model, and no cloud endpoint is configured.',
  'edge-unavailable-cloud-closed':
    'This browser cannot run the model, and the operator said that the endpoint must not be used now. Try again later.',
  'edge-unavailable-cloud-lacks-model': 'This browser cannot run the model, and the endpoint does not have it.',
} as const

export type NoArmReason = keyof typeof noArmReasons
