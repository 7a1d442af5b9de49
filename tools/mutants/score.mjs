// What the mutants of a run came to.

/** @typedef {import("./survivors.mjs").Name} Name */
/** @typedef {{ status: string, name: Name }} Tried a mutant with Stryker's word for what became of it */

/** What share of a room's mutants its tests must notice, in per cent. */
export const WANTED = 85;

/** A mutant on which a test failed, or which ran for ever, was noticed. */
const NOTICED = ["Killed", "Timeout"];
/** A mutant that no test runs at all survives, too. */
const SURVIVED = ["Survived", "NoCoverage"];

/**
 * Counts the mutants; those that were not tried or could not run do not count. An entry of the list excuses
 * one survivor that it names exactly.
 *
 * @template {Tried} M
 * @param {readonly M[]} tried
 * @param {readonly Name[]} listed
 */
export function judge(tried, listed) {
  const unused = [...listed];
  const noticed = tried.filter(({ status }) => NOTICED.includes(status));
  const survivors = tried.filter(({ status, name }) => SURVIVED.includes(status) && !excuse(unused, name));
  const all = tried.filter(({ status }) => SURVIVED.includes(status)).length;
  const counted = noticed.length + survivors.length;
  return {
    noticed: noticed.length,
    timedOut: noticed.filter(({ status }) => status === "Timeout").length,
    survivors,
    excused: all - survivors.length,
    /** They run only while a module loads, or could not run at all. */
    leftOut: tried.length - noticed.length - all,
    /** In per cent. */
    score: counted === 0 ? 100 : (100 * noticed.length) / counted,
  };
}

/**
 * Takes the entry that names a mutant off the list, if there is one. @param {Name[]} list @param {Name} name
 */
function excuse(list, name) {
  const at = list.findIndex((entry) => isSame(entry, name));
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

/**
 * Entries that name no mutant: the code has changed, and they must go.
 *
 * @template {Name} E
 * @param {readonly E[]} listed
 * @param {readonly Name[]} names of all the room's mutants
 */
export function outdated(listed, names) {
  const left = [...names];
  return listed.filter((entry) => !excuse(left, entry));
}

/** @param {Name} a @param {Name} b */
function isSame(a, b) {
  return a.file === b.file && a.line === b.line && a.from === b.from && a.to === b.to;
}
