// Mutants that survive and do not matter, each with its reason: survivors/ROOM.json. An entry names its
// mutant by what the source says, not by line numbers, so that it lasts until the code itself changes.
import { existsSync, readFileSync } from "node:fs";

/** @typedef {{ fileName: string, location: import("./sample.mjs").Location, replacement: string }} Mutant */
/** @typedef {{ file: string, line: string, from: string, to: string }} Name how an entry names a mutant */
/** @typedef {Name & { why: string }} Survivor */

/**
 * The listed survivors of a room; throws where one has no reason.
 *
 * @param {string} room
 * @returns {Survivor[]}
 */
export function listedSurvivors(room) {
  const file = new URL(`survivors/${room.replace("/", "-")}.json`, import.meta.url);
  if (!existsSync(file)) return [];
  /** @type {Survivor[]} */
  const listed = JSON.parse(readFileSync(file, "utf8"));
  for (const { why, ...name } of listed)
    if (typeof why !== "string" || why.length < 10)
      throw new Error(`${file.pathname}: ${JSON.stringify(name)} has no reason`);
  return listed;
}

/**
 * A mutant by its file, the source line it begins on, the code it replaces and the code in its place.
 *
 * @param {Mutant} mutant
 * @param {string} source of its file
 * @returns {Name}
 */
export function nameOf({ fileName, location: { start, end }, replacement }, source) {
  const lines = source.split("\n");
  const from = lines.slice(start.line - 1, end.line);
  from[from.length - 1] = from[from.length - 1].slice(0, end.column - 1);
  from[0] = from[0].slice(start.column - 1);
  return { file: fileName, line: lines[start.line - 1].trim(), from: from.join("\n"), to: replacement };
}
