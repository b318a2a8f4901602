import { defineConfig } from 'vite'

const endpoint = 'http://localhost:8420'

export default defineConfig({
  // Hither starts workers from its own files, which pre-bundling would move.
  optimizeDeps: { exclude: ['hither', 'onnxruntime-web'] },
  server: {
    // A page needs these for WASM threads. "npm start" sends them by itself.
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    // While you develop, "npm run endpoint" in another terminal answers for the cloud.
    proxy: { '/v2': endpoint, '/hither': endpoint, '/.well-known/hither-keys': endpoint },
  },
})
