import { defineConfig } from 'vite';

// There is no `vite dev` here: graphiql/setup-workers/vite resolves Monaco's workers in a build only.
export default defineConfig({
  base: '/playground/',
  // monaco-graphql's worker is split into chunks, which Vite's default format (iife) cannot be.
  worker: { format: 'es' },
  build: {
    // Files instead of data: URLs, so that the server's Content-Security-Policy can stay narrow.
    assetsInlineLimit: 0,
    // Monaco alone is bigger than Vite's default of 500 kB.
    chunkSizeWarningLimit: 4_000,
    rollupOptions: {
      // "use client" speaks to servers that render React; hundreds of such lines would hide a real warning.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
});
