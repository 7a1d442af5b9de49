/**
 * Where the workbench of the challenges is, for the scripts of those who solve them. This file is as far
 * below package.json as the bundle is.
 */

/** A module that leads to the workbench of this installation. */
export function benchModule(): string {
  const bench = new URL("../../dist/cli/bench.js", import.meta.url);
  const use = 'import { call, readWorld } from "../bench.mjs";';
  return `// For your scripts: ${use}\nexport * from ${JSON.stringify(bench.href)};\n`;
}
