/** What a source says, read by a parser: which modules it names, which globals it uses, what it exports. */
import { parseAst } from "rolldown/parseAst";

/** A source file by its path under src/, with slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A module that a source names; `undefined` if computed. */
export interface Import extends Found<string | undefined> {
  /** Whether it is `import type` or `export type`, of which nothing is left at run time. */
  readonly isOfTypes: boolean;
}

/** Something found in a source, and on which line. */
export interface Found<T = string> {
  readonly what: T;
  readonly line: number;
}

export interface Facts {
  /** Every module named: import, export from, import(), import types, require(). */
  readonly imports: readonly Import[];
  /**
   * Uses of the globals in GLOBALS, as `process.env.HOME`, `setTimeout`; a call without a member as `Date()`,
   * and `new` without arguments as `new Date()`.
   */
  readonly uses: readonly Found[];
  /** Places of default exports. */
  readonly defaultExports: readonly Found[];
  /** Encryption types by number: `etype === 3`, `etype: 16`, `etypes = [16, 3]`, `EncryptionType.DES_ECB`. */
  readonly etypeNumbers: readonly Found[];
  /** Ways around the types: `x as unknown as Hidden`, and `.nextCall`, by which grpc-js links its calls. */
  readonly reachesInside: readonly Found[];
}

const GLOBALS = new Set([
  "Date",
  "Math",
  "performance",
  "process",
  "console",
  "setTimeout",
  "setInterval",
  "setImmediate",
]);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const read = new WeakMap<Source, Facts>();

/** Parses a source, once; throws a SyntaxError if it is not TypeScript. */
export function factsOf(source: Source): Facts {
  const known = read.get(source);
  if (known !== undefined) return known;
  const { text } = source;
  const imports: Import[] = [];
  const uses: Found[] = [];
  const defaultExports: Found[] = [];
  const etypeNumbers: Found[] = [];
  const reachesInside: Found[] = [];
  const at = (node: Node) => text.slice(0, node.start).split("\n").length;
  const wordsOf = (node: Node) => text.slice(node.start, node.end);

  const visit = (node: Node, parent?: Node, key?: string) => {
    const module = moduleNamed(node);
    if (module !== undefined)
      imports.push({ what: literal(module), line: at(node), isOfTypes: isOfTypes(node) });
    if (exportsDefault(node)) defaultExports.push({ what: "default", line: at(node) });
    for (const what of globalUses(node, parent, key)) uses.push({ what, line: at(node) });
    if (saysEtype(node)) etypeNumbers.push({ what: wordsOf(node), line: at(node) });
    if (reachesIn(node)) reachesInside.push({ what: wordsOf(node), line: at(node) });
    for (const [key, child] of children(node)) visit(child, node, key);
  };
  const lang = source.path.endsWith(".tsx") ? "tsx" : "ts";
  visit(parseAst(text, { lang, sourceType: "module" }, source.path) as unknown as Node);
  const facts = { imports, uses, defaultExports, etypeNumbers, reachesInside };
  read.set(source, facts);
  return facts;
}

function* children(node: Node): Iterable<[key: string, child: Node]> {
  for (const [key, value] of Object.entries(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child?.type === "string") yield [key, child];
}

/** The expression by which a node names a module, if it names one. */
function moduleNamed(node: Node): Node | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ImportExpression":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "TSImportType":
      return (node.source as Node | null) ?? undefined;
    case "TSExternalModuleReference":
      return node.expression as Node;
    case "CallExpression":
      return nameOf(node.callee as Node) === "require" ? (node.arguments as Node[])[0] : undefined;
    default:
      return undefined;
  }
}

/** Whether nothing is left at run time of a node that names a module. */
function isOfTypes({ type, importKind, exportKind }: Node): boolean {
  return type === "TSImportType" || importKind === "type" || exportKind === "type";
}

/** The text of a string, or of a template without expressions. */
function literal(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = node.quasis as { value: { cooked: string } }[];
  return quasis.length === 1 ? quasis[0]!.value.cooked : undefined;
}

function exportsDefault(node: Node): boolean {
  if (node.type === "ExportDefaultDeclaration") return true;
  const exported = node.type === "ExportSpecifier" ? (node.exported as Node) : undefined;
  return exported !== undefined && (nameOf(exported) ?? literal(exported)) === "default";
}

/** Whether a node knows an encryption type by its number or its name in the contract; 0 stands for none. */
function saysEtype(node: Node): boolean {
  switch (node.type) {
    case "BinaryExpression": {
      if (!/^(?:[=!]==?|[<>]=?)$/.test(node.operator as string)) return false;
      const sides = [node.left as Node, node.right as Node];
      return sides.some((side) => /etype$/i.test(lastName(side) ?? "")) && sides.some(isNumber);
    }
    case "Property":
    case "VariableDeclarator":
    case "AssignmentPattern": {
      const name = lastName((node.key ?? node.id ?? node.left) as Node) ?? "";
      const value = (node.value ?? node.init ?? node.right) as Node | null;
      if (value?.type === "ArrayExpression")
        return /etypes$/i.test(name) && (value.elements as Node[]).some(isNumber);
      return /etype$/i.test(name) && value != null && isNumber(value);
    }
    case "MemberExpression":
      return nameOf(node.object as Node) === "EncryptionType" && lastName(node) !== "UNSPECIFIED";
    default:
      return false;
  }
}

/** A number other than 0. */
function isNumber(node: Node): boolean {
  if (node.type === "UnaryExpression") return isNumber(node.argument as Node);
  return node.type === "Literal" && typeof node.value === "number" && node.value !== 0;
}

function lastName(node: Node): string | undefined {
  return nameOf(node.type === "MemberExpression" ? (node.property as Node) : node);
}

function reachesIn(node: Node): boolean {
  if (node.type === "MemberExpression") return lastName(node) === "nextCall";
  const inner = node.type === "TSAsExpression" ? (node.expression as Node) : undefined;
  return inner?.type === "TSAsExpression" && (inner.typeAnnotation as Node).type === "TSUnknownKeyword";
}

function nameOf(node: Node): string | undefined {
  return node.type === "Identifier" ? (node.name as string) : undefined;
}

/** The dotted path of a global's use that begins at this node, the outermost of its members. */
function globalUses(node: Node, parent: Node | undefined, key: string | undefined): string[] {
  if (parent?.type === "MemberExpression" && key === "object") return []; // seen from further out
  const path = pathOf(node);
  if (path === undefined || (!path.includes(".") && !isReference(parent, key))) return [];
  if (key === "callee" && parent?.type === "CallExpression") return [path === "Date" ? "Date()" : path];
  if (key === "callee" && parent?.type === "NewExpression")
    return [(parent.arguments as Node[]).length > 0 ? `new ${path}(…)` : `new ${path}()`];
  const pattern = parent?.type === "VariableDeclarator" && key === "init" ? (parent.id as Node) : undefined;
  if (pattern?.type !== "ObjectPattern") return [path];
  return (pattern.properties as Node[]).map(
    (property) => `${path}.${property.type === "Property" ? nameOf(property.key as Node) : "…"}`,
  );
}

/**
 * `process.env.HOME` of a chain of members that begins with a global; a computed member is `[]` or its text.
 */
function pathOf(node: Node): string | undefined {
  if (node.type === "Identifier") {
    const name = nameOf(node)!;
    return GLOBALS.has(name) || name === "globalThis" ? name : undefined;
  }
  if (node.type !== "MemberExpression") return undefined;
  const object = pathOf(node.object as Node);
  if (object === undefined) return undefined;
  const property = node.property as Node;
  const member = node.computed ? (literal(property) ?? "[]") : nameOf(property);
  if (object !== "globalThis") return `${object}.${member}`;
  return GLOBALS.has(member ?? "") ? member : undefined;
}

/** Whether a bare name stands for the value: not where it declares one, names a member, or is a type. */
function isReference(parent: Node | undefined, key: string | undefined): boolean {
  if (parent === undefined) return false;
  if (parent.type.startsWith("TS")) return key === "expression";
  switch (parent.type) {
    case "MemberExpression":
    case "PropertyDefinition":
    case "MethodDefinition":
      return key === "value" || (key === "property" && parent.computed === true);
    case "Property":
      return key === "value";
    case "AssignmentPattern":
      return key === "right";
    case "VariableDeclarator":
      return key === "init";
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return key === "body";
    case "ImportSpecifier":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
    case "LabeledStatement":
      return false;
    default:
      return true;
  }
}
