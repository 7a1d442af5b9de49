/**
 * Whoever imports a door can catch by its class every error for a person that the modules behind it throw.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { expect, test } from "vitest";
import { doors, ROOT } from "../package/tarball.js";

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Errors that no caller ever sees, and what becomes of them. */
const NEVER_SEEN: Readonly<Record<string, string>> = {
  FormatError: "rethrown with the file's name, as KeytabError or CredentialCacheError",
};

/** The classes of errors in a module and in all modules of ours that it imports. */
function errorsBehind(module: string, seen = new Set<string>()): string[] {
  if (seen.has(module)) return [];
  seen.add(module);
  const { body } = parseAst(readFileSync(module, "utf8"), { sourceType: "module" }) as unknown as {
    body: Node[];
  };
  return body.flatMap((node) => {
    const from = (node.source as { value?: string } | null | undefined)?.value;
    if (from?.startsWith(".")) return errorsBehind(join(dirname(module), from), seen);
    const { type, id, superClass } = (node.declaration ?? node) as {
      type: string;
      id?: { name: string };
      superClass?: { name?: string };
    };
    return type === "ClassDeclaration" && superClass?.name === "ReadableError" ? [id!.name] : [];
  });
}

test.each(doors())("$name exports every error that the modules behind it throw", async ({ name, module }) => {
  const errors = errorsBehind(join(ROOT, module)).filter((error) => !(error in NEVER_SEEN));
  const exported = Object.keys((await import(name)) as object);
  if (/client|server/.test(name)) expect(errors).toContain("KrbError");
  expect(errors.filter((error) => !exported.includes(error))).toEqual([]);
});
