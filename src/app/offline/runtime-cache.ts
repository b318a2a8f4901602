/** The cache that the page fills with the runtime files in use, and the service worker reads. */
export const runtimeCache = 'hither-runtime'
