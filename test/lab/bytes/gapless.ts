/** Tells where a tree of bytes is not what it promises. */
import { type ByteNode, leavesOf } from "../../../src/lab/bytes/byte-node.js";

/** What is wrong with a tree over a blob of that many bytes, a sentence each; empty if all is well. */
export function faultsOf(tree: ByteNode, size: number): string[] {
  const whole =
    tree.at === 0 && tree.length === size ? [] : [`the tree covers ${tree.length} of ${size} bytes`];
  const covered = leavesOf(tree).reduce((sum, { length }) => sum + length, 0);
  const sum = covered === size ? [] : [`the leaves cover ${covered} of ${size} bytes`];
  return [...whole, ...sum, ...faultsIn(tree, tree.name)];
}

function faultsIn(node: ByteNode, path: string): string[] {
  const faults: string[] = [];
  if (node.name === "") faults.push(`${path}: has no name`);
  let at = node.at;
  for (const child of node.children) {
    if (child.at !== at) faults.push(`${path}/${child.name}: begins at ${child.at}, not at ${at}`);
    at = child.at + child.length;
    faults.push(...faultsIn(child, `${path}/${child.name}`));
  }
  if (node.children.length > 0 && at !== node.at + node.length) faults.push(`${path}: has a gap at its end`);
  return faults;
}

/** The paths of leaves of some kinds: what nobody could name. */
export function leavesOfKind(tree: ByteNode, ...kinds: readonly string[]): string[] {
  return pathsOf(tree, tree.name)
    .filter(({ leaf }) => kinds.includes(leaf.kind))
    .map(({ path }) => path);
}

/** The paths of leaves that neither say themselves nor by what they lie in what they are for. */
export function unexplained(tree: ByteNode): string[] {
  const walk = (node: ByteNode, path: string, explained: boolean): string[] => {
    const known = explained || node.explanation !== undefined;
    if (node.children.length === 0) return known ? [] : [path];
    // What a message says does not say what a field of it is for.
    return node.children.flatMap((child) =>
      walk(child, `${path}/${child.name}`, node.kind === "message" ? false : known),
    );
  };
  return walk(tree, tree.name, false);
}

function pathsOf(node: ByteNode, path: string): { path: string; leaf: ByteNode }[] {
  if (node.children.length === 0) return [{ path, leaf: node }];
  return node.children.flatMap((child) => pathsOf(child, `${path}/${child.name}`));
}

/** The first node on the way of these names from the top. */
export function nodeAt(tree: ByteNode, ...names: readonly string[]): ByteNode {
  let found = tree;
  for (const name of names) {
    const inside = (one: ByteNode): ByteNode | undefined =>
      one.children.find((child) => child.name === name) ??
      one.children.map(inside).find((child) => child !== undefined);
    const next = inside(found);
    if (next === undefined) throw new Error(`${found.name} holds no ${name}`);
    found = next;
  }
  return found;
}
