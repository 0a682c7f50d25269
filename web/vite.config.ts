import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

import { precompress } from './precompress.ts';

const path = (p: string) => fileURLToPath(new URL(p, import.meta.url));

// The Go program that `vite dev` talks to; `make run` starts one on 8080.
const backend = process.env.CHATAPP_BACKEND ?? 'http://localhost:8080';
const proxy = {
  '/api/v1/ws': { target: backend.replace(/^http/, 'ws'), ws: true, changeOrigin: true },
  '/api': { target: backend, changeOrigin: true },
  '/.well-known': { target: backend, changeOrigin: true },
};

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress()],
  resolve: {
    alias: {
      '@': path('./src'),
      // Radix locks scrolling with an injected <style>, which our CSP refuses.
      // This replacement does the same with a constructed style sheet.
      'react-style-singleton': path('./src/app/style-singleton.ts'),
    },
  },
  server: { port: 5173, proxy },
  preview: { port: 4173, proxy },
  build: {
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    // Also puts public/.gitkeep back: `go build` needs dist to exist before `npm run build`.
    emptyOutDir: true,
    // Inlined data: URLs would need font-src data: in the CSP.
    assetsInlineLimit: 0,
    // The polyfill is an inline script and every supported browser preloads.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            // Loaded when somebody chooses a password.
            { name: 'strength', test: /node_modules[\\/]@zxcvbn-ts[\\/]/ },
            { name: 'vendor', test: /node_modules[\\/]/ },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
