/**
 * The rules of the house. A refusal is one sentence: where, what, and after the colon what to do about it.
 */
import { posix } from "node:path";
import { DRIVERS, INTERNALS, PURE, ROOMS, roomOf, WITH_INDEX } from "./rooms.js";
import { factsOf, type Import, type Source } from "./source.js";

/** What code may not use, in which rooms, and what to do instead. */
const FORBIDDEN: readonly {
  readonly does: string;
  readonly pattern: RegExp;
  readonly isRefusedIn: (room: string) => boolean;
  readonly instead: string;
}[] = [
  {
    does: "reads the clock",
    pattern: /^(?:Date\.now|Date\(\)|new Date\(\)|performance\b|process\.hrtime)/,
    isRefusedIn: isPure,
    instead: "take `now` (milliseconds since the epoch) as a parameter",
  },
  {
    does: "sets a timer",
    pattern: /^set(?:Timeout|Interval|Immediate)$/,
    isRefusedIn: isPure,
    instead: "return what is to be done and when; services and client wait",
  },
  {
    does: "touches the process",
    pattern: /^process\.(?!hrtime|stdout|stderr|exit|abort)/,
    isRefusedIn: isPure,
    instead: "take what you need as a parameter; cli reads the environment",
  },
  {
    does: "draws bad randomness",
    pattern: /^Math\.random/,
    isRefusedIn: isPure,
    instead: "take `random` as the last parameter, the system's source (crypto/random.ts) by default",
  },
  {
    does: "prints",
    pattern: /^(?:console\b|process\.(?:stdout|stderr)\b)/,
    isRefusedIn: (room) => room !== "cli",
    instead: "return the text, or take a log function as a parameter; only cli prints",
  },
  {
    does: "ends the process",
    pattern: /^process\.(?:exit|exitCode|abort)\b/,
    isRefusedIn: (room) => room !== "cli",
    instead: "throw; cli turns errors into exit codes",
  },
];

function isPure(room: string): boolean {
  return PURE.includes(room);
}

/** The path under src/ that a relative import names: a `.tsx` by its own name, a `.ts` as Node finds it. */
export function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

/** What one source does that its room may not, one sentence each. */
export function violations(source: Source): string[] {
  const { path } = source;
  const room = roomOf(path);
  if (ROOMS[room] === undefined)
    return [
      `${path}: ${room} is not a room of the house: put the file into one that is, or add the room to ` +
        "test/architecture/rooms.ts and to docs/design.md",
    ];
  const { imports, uses, defaultExports, etypeNumbers, reachesInside } = factsOf(source);
  const found: string[] = [];
  const refuse = (line: number, text: string) => found.push(`${path}:${line}: ${text}`);

  for (const each of imports) {
    const refusal = importRefusal(path, each);
    if (refusal !== undefined) refuse(each.line, refusal);
  }
  for (const { what, line } of uses)
    for (const { does, pattern, isRefusedIn, instead } of FORBIDDEN)
      if (isRefusedIn(room) && pattern.test(what)) refuse(line, `${does} (${what}): ${instead}`);
  for (const { line } of defaultExports) refuse(line, "has a default export: export it by its name");
  if (room !== "crypto" && room !== "gen")
    for (const { what, line } of etypeNumbers)
      refuse(
        line,
        `knows an encryption type by its number (${what}): ask its row, by way of protocol/etypes.ts`,
      );
  if (path !== INTERNALS && imports.some(({ what }) => what === "@grpc/grpc-js"))
    for (const { what, line } of reachesInside)
      refuse(
        line,
        `reaches into grpc-js (${what}): do so in ${INTERNALS}, which is tested against its version`,
      );

  const file = posix.basename(path).replace(/\.tsx?$/, "");
  if (/^(?:utils?|commons?|helpers?)$/.test(file))
    found.push(`${path}: says nothing of its contents: name it for the one thing it holds`);
  if (file === "index" && !WITH_INDEX.includes(room))
    found.push(`${path}: ${room} has no door: import its files by their own names`);
  return found;
}

/** Why a source may not import a module, and what to do; `undefined` if it may. */
function importRefusal(path: string, { what: specifier, isOfTypes }: Import): string | undefined {
  const room = roomOf(path);
  if (specifier === undefined)
    return "imports a module by a computed name: write one import() with a literal name for each module";
  if (!specifier.startsWith(".")) return packageRefusal(path, room, specifier);
  if (!/\.(?:js|tsx)$/.test(specifier))
    return `imports ${specifier}: name the module as Node finds it, with .js`;
  const target = resolve(path, specifier);
  if (target.startsWith("..") || !target.includes("/"))
    return `imports ${specifier}, outside of src: move what is needed into a room`;
  const other = roomOf(target);
  if (other === room || ROOMS[room]?.rooms.includes(other)) return undefined;
  if (ROOMS[room]?.types?.includes(other))
    return isOfTypes
      ? undefined
      : `${room} may import ${other} (${target}) for its types alone: write import type, or move the code here`;
  const users = roomsThat(({ rooms }) => rooms.includes(other));
  const whose = users.length > 0 ? `only ${users.join(", ")} may` : "no room may";
  return (
    `${room} may not import ${other} (${target}): ${whose}; do the work there, take its result as a ` +
    "parameter, or move what both need into a room below"
  );
}

function packageRefusal(path: string, room: string, specifier: string): string | undefined {
  const driver = DRIVERS[specifier];
  if (driver?.test(path)) return undefined;
  if (driver !== undefined)
    return `imports ${specifier}: only one file of store knows a driver (${driver.source}); use its store`;
  const allows = (packages: readonly string[]) => packages.some((allowed) => isOf(specifier, allowed));
  if (allows(ROOMS[room]!.packages)) return undefined;
  const users = roomsThat(({ packages }) => allows(packages));
  return (
    `${room} may not import ${specifier}: ` +
    (users.length > 0
      ? `do the work in ${users.join(", ")}, or take its result as a parameter`
      : "do without it, or give it a place in test/architecture/rooms.ts and a line in docs/dependencies.md")
  );
}

function roomsThat(may: (room: (typeof ROOMS)[string]) => boolean): string[] {
  return Object.keys(ROOMS).filter((name) => may(ROOMS[name]!));
}

function isOf(specifier: string, allowed: string): boolean {
  return allowed.endsWith(":")
    ? specifier.startsWith(allowed)
    : specifier === allowed || specifier.startsWith(`${allowed}/`);
}

/** The first import cycle there is, types included, as the paths along it; empty if there is none. */
export function cycleIn(files: readonly Source[]): string[] {
  const edges = new Map(files.map((file) => [file.path, importedFiles(file)]));
  const done = new Set<string>();
  const walk = (path: string, along: string[]): string[] => {
    if (along.includes(path)) return [...along.slice(along.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of edges.get(path) ?? []) {
      const cycle = walk(next, [...along, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of edges.keys()) {
    const cycle = walk(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

/** The files under src/ that a source imports. */
export function importedFiles(source: Source): string[] {
  return factsOf(source).imports.flatMap(({ what }) =>
    what?.startsWith(".") ? [resolve(source.path, what)] : [],
  );
}
