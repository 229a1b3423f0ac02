import { defineConfig } from "vite";

/** Each language is a file of its own. */
const nameOf = ({ name, facadeModuleId }: { name: string; facadeModuleId?: string | null }): string => {
  const language = /\/texts\/(\w+)(?:\/index)?\.ts$/.exec(facadeModuleId ?? "")?.[1];
  return language ? `words-${language}.js` : `${name}.js`;
};

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: { "eventship-salesforce": "src/index.ts", "eventship-salesforce-pages": "src/pages.ts", console: "src/console/main.ts" },
      preserveEntrySignatures: "allow-extension",
      output: { entryFileNames: "[name].js", chunkFileNames: nameOf, assetFileNames: "[name][extname]" },
    },
  },
});
