// Bundles the pure router by itself, for its size budget: what decides, without what measures and carries out.
import { build } from 'vite'

await build({
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir: '.cache/router',
    emptyOutDir: true,
    lib: { entry: 'dist/routing/deciding/create-router.js', formats: ['es'], fileName: 'router' },
    rolldownOptions: { output: { minify: true } },
  },
})
