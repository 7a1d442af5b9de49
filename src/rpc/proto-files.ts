/** `.proto` files as they are written, read at run time into the registry of what they declare. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { create, type FileRegistry } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type protobufjs from "protobufjs";
import { ReadableError } from "../errors/readable-error.js";
import { fileRegistry, WELL_KNOWN_FILES } from "./file-registry.js";
import { describe, type ParsedFile } from "./proto-descriptors.js";

/** A `.proto` file that can't be read, or that says what no compiler would take. */
export class ProtoFileError extends ReadableError {
  override readonly name = "ProtoFileError";
}

/**
 * Reads files and all that they import.
 * @param files paths: within an import path, or as they are.
 * @param importPaths where imports are looked for; by default in the folder of each file.
 * @throws ProtoFileError naming the file, and the line where there is one.
 */
export async function readProtoFiles(
  files: readonly string[],
  importPaths: readonly string[] = [],
): Promise<FileRegistry> {
  const found = new Map<string, ParsedFile>();
  // Loaded when it is needed: most programs never parse a file.
  const { default: parser } = await import("protobufjs");
  const root = new parser.Root();
  const paths = importPaths.length > 0 ? importPaths : [...new Set(files.map((file) => dirname(file)))];
  const queue: Wanted[] = files.map((file) => {
    const within = importPaths.map((path) => join(path, file));
    return {
      name: importPaths.length > 0 ? file : basename(file),
      places: [...within, file],
      importer: undefined,
    };
  });
  // Each file is read once, however many import it.
  for (const wanted of queue) {
    const { name } = wanted;
    if (found.has(name) || WELL_KNOWN_FILES.has(name)) continue;
    const source = await findSource(wanted, paths);
    const parsed = parse(parser, name, source, root);
    found.set(name, parsed);
    for (const each of parsed.imports)
      queue.push({ name: each, places: paths.map((path) => join(path, each)), importer: name });
  }
  return registryOf(root, found);
}

/** A file that is to be read: one that was named, or one that another imports. */
interface Wanted {
  readonly name: string;
  /** Where it may lie. One that was named may lie elsewhere than what it imports. */
  readonly places: readonly string[];
  readonly importer: string | undefined;
}

async function findSource({ name, places, importer }: Wanted, paths: readonly string[]): Promise<string> {
  for (const place of isAbsolute(name) ? [name] : places) {
    try {
      // A named pipe may have no writer, and a device no end.
      if (!(await stat(place)).isFile()) throw new ProtoFileError(`${place}: is not a regular file`);
      return await readFile(place, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  if (importer === undefined) throw new ProtoFileError(`there is no file ${places.join(", nor ")}`);
  throw new ProtoFileError(`${importer} imports ${name}, which is not in ${paths.join(", ")}`, {
    hint: "say where imports are looked for: the folder that their names begin in (-I DIR)",
  });
}

function parse(parser: typeof protobufjs, name: string, source: string, root: protobufjs.Root): ParsedFile {
  try {
    // The parser's own way to be told, for its errors and for what it finds (missing in its types).
    Object.assign(parser.parse, { filename: name });
    const {
      package: scope = "",
      imports = [],
      weakImports = [],
    } = parser.parse(source, root, {
      keepCase: true,
    });
    return { name, package: scope, imports: [...imports, ...weakImports] };
  } catch (error) {
    throw new ProtoFileError(`${name}: ${(error as Error).message}`);
  }
}

function registryOf(root: protobufjs.Root, files: ReadonlyMap<string, ParsedFile>): FileRegistry {
  try {
    const described: FileDescriptorProto[] = describe(root, [...files.values()]).map((init) =>
      create(FileDescriptorProtoSchema, init),
    );
    return fileRegistry(described);
  } catch (error) {
    if (error instanceof ReadableError) throw error;
    throw new ProtoFileError((error as Error).message);
  }
}
