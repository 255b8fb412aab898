import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/ui/",
  plugins: [svelte()],
  build: {
    outDir: "../../../build/ui",
    emptyOutDir: true,
    target: "es2022",
    // Inlined files would be data: URLs, which the content security policy allows for pictures alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Of everything that is built in: their licences go where the code goes.
    license: { fileName: "licences.md" },
  },
  server: {
    proxy: {
      "/api": { target: "http://localhost:8080", ws: true },
      "/login": "http://localhost:8080",
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
