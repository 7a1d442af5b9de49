/** `tessera kadmin listprincs`. */
import { defineCommand } from "../command.js";
import { entryFacts } from "../kadmin.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { printJson, printLine } from "../screen/output.js";

export const command = defineCommand({
  name: "kadmin listprincs",
  usage: ["[--dir DIR] [PATTERN]"],
  description: "Lists the realm's principals, or those that a pattern with * fits.",
  examples: ["tessera kadmin listprincs", "tessera kadmin listprincs 'notes/*'"],
  options: REALM_OPTIONS,
  arguments: [0, 1],
  run: async ({ options, positionals, json }) =>
    withPrincipals(options.dir, async (principals, { settings }) => {
      const fits = patternOf(positionals[0], settings.realm);
      const found: Record<string, unknown>[] = [];
      for await (const entry of principals.list()) {
        if (!fits(entry.principal)) continue;
        if (json) found.push(entryFacts(entry));
        else printLine(entry.principal);
      }
      if (json) printJson({ principals: found });
      return undefined;
    }),
});

function patternOf(pattern: string | undefined, realm: string): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const whole = pattern.includes("@") ? pattern : `${pattern}@${realm}`;
  // Piece by piece from the left: the time does not grow with the number of stars.
  const [first = "", ...pieces] = whole.split("*");
  return (name) => {
    if (pieces.length === 0) return name === first;
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of pieces.slice(0, -1)) {
      const next = name.indexOf(piece, at);
      if (next < 0) return false;
      at = next + piece.length;
    }
    const last = pieces.at(-1)!;
    return name.length - last.length >= at && name.endsWith(last);
  };
}
