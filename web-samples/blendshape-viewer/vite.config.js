import { readFileSync } from "node:fs";

import { defineConfig } from "vite";

import { sourceRecord } from "./tools/source-record.js";

const SERVER = process.env.FLASHBACK_URL ?? "http://127.0.0.1:8000";
const LICENCE = "node_modules/three/LICENSE";

const NOTICE = "/*! three.js, Copyright three.js authors, MIT licence: see THIRD-PARTY-LICENSES.txt */";

// The licence of what is inside the bundle travels with it.
const licence = {
  name: "licence",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENSES.txt", source: `three.js\n\n${readFileSync(LICENCE, "utf8")}` });
  },
};

export default defineConfig({
  base: "./",
  server: { proxy: { "/v1": SERVER, "/api": SERVER } },
  build: {
    target: "es2023",
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        postBanner: ({ name }) => (name === "three" ? NOTICE : ""),
        entryFileNames: "assets/viewer.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/viewer[extname]",
        codeSplitting: { groups: [{ name: "three", test: /node_modules\/three\// }] },
      },
    },
  },
  plugins: [licence, sourceRecord()],
});
