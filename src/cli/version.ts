/** The version of this package. This file is as far below package.json as the bundle is. */
import { readFileSync } from "node:fs";

/** The version that package.json states. */
export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
