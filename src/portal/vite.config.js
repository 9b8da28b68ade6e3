// SPDX-License-Identifier: Apache-2.0
// The names of the files are the same in every build: src/api/portal/meson.build lists them, and the server puts a version into
// their addresses. The same sources and the same lock file give the same bytes; tests/portal/test_bundle.py compares them.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const BANNER = "/* SPDX-License-Identifier: Apache-2.0 AND MIT; the licences of the parts: licences.txt */\n";

// Begins each chunk with its licence, and lists the packages whose code is in one, with theirs.
function licences() {
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const packages = new Set();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk") chunk.code = BANNER + chunk.code.replace("/* empty css     */", "");
        for (const id of chunk.moduleIds ?? []) {
          const found = id.replaceAll("\\", "/").match(/^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//);
          if (found) packages.add(found[1]);
        }
      }
      const parts = [...packages].map((folder) => {
        const about = JSON.parse(readFileSync(folder + "/package.json", "utf8"));
        let text = "";
        for (const name of ["LICENSE", "LICENSE.md", "LICENCE", "license", "LICENSE.txt"])
          try {
            text ||= readFileSync(`${folder}/${name}`, "utf8").trim();
          } catch { /* the package has none of that name */ }
        return `${about.name} ${about.version} (${about.license})\n\n${text || "The package has no text of its licence."}\n`;
      });
      const source = "The pages of cais are licensed under Apache-2.0. Their scripts contain these packages.\n\n" +
        parts.sort().join("\n" + "-".repeat(80) + "\n\n");
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}

// The worker of PDF.js as it is: a script of its own, which includes no other (web/pdf.jsx).
function pdfWorker() {
  return {
    name: "pdf-worker",
    generateBundle() {
      const source = readFileSync(new URL("node_modules/pdfjs-dist/legacy/build/pdf.worker.min.mjs", import.meta.url), "utf8");
      this.emitFile({ type: "asset", fileName: "pdf-worker.js", source: BANNER + source.replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, "\n") });
    },
  };
}

export default defineConfig({
  base: "./",
  publicDir: "public",
  plugins: [licences(), pdfWorker()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "bundle",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      input: { portal: "web/main.jsx", enter: "web/enter.js", drop: "web/drop.jsx" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names?.some((n) => n.endsWith(".css")) ? "portal.css" : "[name][extname]"),
      },
    },
  },
});
