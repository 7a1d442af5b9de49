/**
 * Whoever imports a door can name every type that its functions take and return. Read in the built
 * declarations.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { doors, ROOT } from "../package/tarball.js";
import { type Declared, exportsOf, mentionedBy } from "./declarations.js";

/** What is mentioned and not exported, each with one place that mentions it. */
function missing(types: string): string[] {
  const key = ({ file, name }: Declared) => `${name} (${file.replace(`${ROOT}dist/`, "")})`;
  const queue = [...exportsOf(types).values()];
  const known = new Set(queue.map(key));
  const found: string[] = [];
  for (const declared of queue)
    for (const mentioned of mentionedBy(declared)) {
      if (known.has(key(mentioned))) continue;
      known.add(key(mentioned));
      queue.push(mentioned);
      found.push(`${key(mentioned)}, of ${declared.name}`);
    }
  return found;
}

test.each(doors())("$name exports every type that its signatures mention", ({ module }) => {
  const types = join(ROOT, module.replace(/\.js$/, ".d.ts"));
  expect(exportsOf(types).size).toBeGreaterThan(3);
  expect(missing(types)).toEqual([]);
});

test("a type that is mentioned and not exported is found, wherever it stands", () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-doors-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(
    join(dir, "parts.d.ts"),
    `export declare const names = "A B C D E F G H I J".split(" ");
     ${[..."ABCDEFGHIJ"].map((name) => `export interface ${name} { readonly name: "${name}" }`).join("\n")}
     export interface Deep<T> { readonly deep: T & J }`,
  );
  const door = join(dir, "index.d.ts");
  writeFileSync(
    door,
    `import type { A, B, C, D, E, F, G } from "./parts.js";
     import type { Elsewhere } from "elsewhere";
     export type { A } from "./parts.js";
     export declare class Shown<H> extends B implements C {
       #secret: I;
       private readonly hidden;
       /** @internal */
       known(): I;
       readonly own: H & Elsewhere;
       constructor(d: D, ...more: readonly A[]);
     }
     export declare function use(e?: Promise<E>): import("./parts.js").Deep<string>;
     export type Alias = { [K in keyof F]: K extends infer I ? I : G };`,
  );
  expect(missing(door).map((text) => text.replace(dir, ""))).toEqual([
    "B (/parts.d.ts), of Shown",
    "C (/parts.d.ts), of Shown",
    "D (/parts.d.ts), of Shown",
    "E (/parts.d.ts), of use",
    "Deep (/parts.d.ts), of use",
    "F (/parts.d.ts), of Alias",
    "G (/parts.d.ts), of Alias",
    "J (/parts.d.ts), of Deep",
  ]);
});
