// Writes dist/sources.json: a SHA-256 of every file that the bundle was made from, and of every file that was made.
// A test that needs no node compares them with what is there, so that sources and bundle cannot part unnoticed.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const RECORD = "sources.json";
const BESIDES = ["index.html", "package.json", "vite.config.js", "tools/source-record.js"];

const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
const portable = (path) => path.replaceAll("\\", "/");

function hashes(files, from) {
  return Object.fromEntries(files.map((file) => [portable(relative(from, file)), sha256(file)]).sort());
}

/** @returns {import("vite").Plugin} */
export function sourceRecord() {
  let root;
  let sources;
  return {
    name: "source-record",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    generateBundle() {
      const modules = [...this.getModuleIds()].map((id) => id.split("?")[0]).filter((id) => id.startsWith(resolve(root, "..")) && !id.includes("node_modules"));
      sources = [...new Set([...modules, ...BESIDES.map((file) => resolve(root, file))])];
    },
    writeBundle({ dir }) {
      const built = readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== RECORD)
        .map((entry) => join(entry.parentPath, entry.name));
      const record = { sources: hashes(sources, root), built: hashes(built, dir) };
      writeFileSync(join(dir, RECORD), `${JSON.stringify(record, null, 1)}\n`);
    },
  };
}
