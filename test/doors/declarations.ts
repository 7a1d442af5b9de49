/**
 * What the built declarations say: the exports of a module, and the types that a declaration's signature
 * mentions.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAst } from "rolldown/parseAst";

/** A declaration of ours: the module that makes it and its name there. */
export interface Declared {
  /** Path of the `.d.ts` file. */
  readonly file: string;
  readonly name: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/**
 * An imported or re-exported name: where it comes from and what it is called there; undefined: the whole
 * module.
 */
interface Origin {
  readonly module: string;
  readonly name: string | undefined;
}

interface Module {
  readonly file: string;
  readonly text: string;
  readonly declared: ReadonlyMap<string, readonly Node[]>;
  readonly imported: ReadonlyMap<string, Origin>;
  /** By the exported name: the name in the module, or where it is exported from. */
  readonly exported: ReadonlyMap<string, string | Origin>;
  /** Modules of which everything is exported. */
  readonly stars: readonly string[];
}

const modules = new Map<string, Module>();

/**
 * The declarations that a module exports, by the name under which it does. Those of packages are left out.
 */
export function exportsOf(file: string): Map<string, Declared> {
  const { exported, stars } = moduleOf(file);
  const found = new Map<string, Declared>();
  for (const star of stars)
    for (const [name, declared] of exportsOf(beside(file, star))) found.set(name, declared);
  for (const name of exported.keys()) {
    const declared = exportOf(file, name);
    if (declared !== undefined) found.set(name, declared);
  }
  return found;
}

/** The declarations of ours that the public signature of another mentions. */
export function mentionedBy({ file, name }: Declared): Declared[] {
  const module = moduleOf(file);
  const found = new Map<string, Declared>();
  const add = (declared: Declared | undefined) => {
    if (declared !== undefined) found.set(`${declared.file} ${declared.name}`, declared);
  };
  const visit = (node: Node, own: ReadonlySet<string>) => {
    if (isPrivate(node, module.text)) return;
    const inner = new Set([...own, ...parametersOf(node)]);
    const { source, qualifier } = node as { source?: { value?: string }; qualifier?: Node };
    if (node.type === "TSImportType" && source?.value?.startsWith("."))
      add(exportOf(beside(file, source.value), leftmost(qualifier)));
    const local = mentioned(node);
    if (local !== undefined && !inner.has(local)) add(localOf(module, local));
    for (const child of children(node)) visit(child, inner);
  };
  for (const node of module.declared.get(name) ?? []) visit(node, new Set());
  return [...found.values()];
}

/** The name that a node mentions as a type or a base; `typeof` some value is no type to be named. */
function mentioned(node: Node): string | undefined {
  switch (node.type) {
    case "TSTypeReference":
      return leftmost(node.typeName as Node);
    case "TSClassImplements":
    case "TSInterfaceHeritage":
      return leftmost(node.expression as Node);
    case "ClassDeclaration":
      return leftmost(node.superClass as Node | undefined);
    default:
      return undefined;
  }
}

function leftmost(node: Node | null | undefined): string | undefined {
  if (node === null || node === undefined) return undefined;
  return typeof node.name === "string" ? node.name : leftmost((node.left ?? node.object) as Node | undefined);
}

/** Names of the type parameters that a node brings along: they are no declarations. */
function parametersOf(node: Node): string[] {
  const list = (node.typeParameters as { params?: Node[] } | undefined)?.params ?? [];
  const mapped = node.type === "TSMappedType" ? [node.key as Node] : [];
  const inferred = node.type === "TSConditionalType" ? inferredIn(node.extendsType as Node) : [];
  return [
    ...list.map(({ name }) => leftmost(name as Node) ?? ""),
    ...mapped.map(leftmost).map(String),
    ...inferred,
  ];
}

function inferredIn(node: Node): string[] {
  const own = node.type === "TSInferType" ? [leftmost((node.typeParameter as Node).name as Node) ?? ""] : [];
  return [...own, ...children(node).flatMap(inferredIn)];
}

function isPrivate(node: Node, text: string): boolean {
  if ((node.key as Node | undefined)?.type === "PrivateIdentifier" || node.accessibility === "private")
    return true;
  if (
    !/^(?:MethodDefinition|PropertyDefinition|TSAbstract|TSMethodSignature|TSPropertySignature)/.test(
      node.type,
    )
  )
    return false;
  const comment = /\/\*\*(?:[^*]|\*(?!\/))*\*\/\s*$/.exec(text.slice(0, node.start))?.[0] ?? "";
  return comment.includes("@internal");
}

function localOf(module: Module, name: string): Declared | undefined {
  if (module.declared.has(name)) return { file: module.file, name };
  const origin = module.imported.get(name);
  if (origin === undefined || !origin.module.startsWith(".")) return undefined; // a global, or of a package
  return exportOf(beside(module.file, origin.module), origin.name);
}

function exportOf(file: string, name: string | undefined): Declared | undefined {
  if (name === undefined) return undefined;
  const module = moduleOf(file);
  const exported = module.exported.get(name);
  if (typeof exported === "string") return localOf(module, exported);
  if (exported !== undefined)
    return exported.module.startsWith(".")
      ? exportOf(beside(file, exported.module), exported.name)
      : undefined;
  for (const star of module.stars) {
    const found = exportOf(beside(file, star), name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function beside(file: string, specifier: string): string {
  return join(dirname(file), specifier.replace(/\.js$/, ".d.ts"));
}

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8");
  const declared = new Map<string, Node[]>();
  const imported = new Map<string, Origin>();
  const exported = new Map<string, string | Origin>();
  const stars: string[] = [];
  const { body } = parseAst(text, { lang: "dts", sourceType: "module" }, file) as unknown as { body: Node[] };
  for (const node of body) {
    const from = (node.source as { value?: string } | null | undefined)?.value;
    if (node.type === "ImportDeclaration")
      for (const specifier of node.specifiers as Node[])
        imported.set(nameOf(specifier.local), {
          module: from!,
          name: specifier.imported ? nameOf(specifier.imported) : undefined,
        });
    else if (node.type === "ExportAllDeclaration") stars.push(from!);
    else {
      const declaration = (node.declaration ?? node) as Node;
      for (const name of namesOf(declaration)) {
        declared.set(name, [...(declared.get(name) ?? []), declaration]);
        if (declaration !== node) exported.set(name, name);
      }
      for (const { local, exported: as } of (node.specifiers ?? []) as Record<"local" | "exported", Node>[])
        exported.set(nameOf(as), from === undefined ? nameOf(local) : { module: from, name: nameOf(local) });
    }
  }
  const module = { file, text, declared, imported, exported, stars };
  modules.set(file, module);
  return module;
}

function nameOf(node: unknown): string {
  const { name, value } = node as { name?: string; value?: string };
  return name ?? value ?? "";
}

function namesOf(node: Node): string[] {
  const declarators = (node.declarations ?? []) as Node[];
  const { id } = node as { id?: Node | null };
  return [...(id ? [nameOf(id)] : []), ...declarators.map((declarator) => nameOf(declarator.id))];
}

function children(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((child): child is Node => typeof (child as Node | null)?.type === "string");
}
