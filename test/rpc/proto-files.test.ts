/** `.proto` files read at run time: what protoc makes of them is the measure. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DescFile, fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, describe, expect, it } from "vitest";
import { fileDescriptors } from "../../src/gen/file-descriptors_pb.js";
import { ProtoFileError, readProtoFiles } from "../../src/rpc/proto-files.js";

const dir = mkdtempSync(join(tmpdir(), "tessera-proto-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A descriptor without what is for people and for generators of code. */
function essence(file: DescFile["proto"]): JsonObject {
  const drop = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(drop);
    if (value === null || typeof value !== "object") return value;
    const kept = Object.entries(value).filter(
      ([key]) => !["sourceCodeInfo", "options", "reservedRange", "reservedName"].includes(key),
    );
    return Object.fromEntries(kept.map(([key, inner]) => [key, drop(inner)]));
  };
  return drop(toJson(FileDescriptorProtoSchema, file)) as JsonObject;
}

const OURS = Object.keys(fileDescriptors).filter((name) => !name.startsWith("google/protobuf/"));

describe("the files of this project", async () => {
  const registry = await readProtoFiles(OURS, ["proto"]);
  const read = new Map([...registry.files].map((file) => [file.proto.name, file.proto]));
  it.each(OURS)("%s: as buf compiles it", (name) => {
    const compiled = fromBinary(FileDescriptorProtoSchema, Buffer.from(fileDescriptors[name]!, "base64"));
    expect(essence(read.get(name)!)).toEqual(essence(compiled));
  });
});

const A = `
syntax = "proto3"; package a.v1; import "google/protobuf/timestamp.proto"; import "sub/b.proto";
service S { rpc M(stream R) returns (b.v1.Q) { option deprecated = true; } }
message R {
  string the_name = 1 [json_name = "nm"]; optional int32 x = 2; repeated int32 ys = 3 [packed = false];
  map<string, I> my_map = 4; oneof o { string p = 5; I q = 6; }
  message I { E e = 1; I again = 2; }
  google.protobuf.Timestamp t = 7;
  enum E { option allow_alias = true; A = 0; B = -1; C = 0; }
  b.v1.Q bq = 9; repeated E es = 10;
}`;
const B = `
syntax = "proto2"; package b.v1;
message Q {
  required int32 a = 1 [default = 7]; optional group G = 2 { optional string s = 1; }
  extensions 100 to max; repeated int32 ps = 3 [packed = true]; repeated int32 us = 4;
}
extend Q { optional int32 ext = 100; }`;

describe("a file and what it imports", () => {
  it("encodes as buf 1.74.0 does (`buf convert --type a.v1.R`)", async () => {
    write("sub/b.proto", B);
    const registry = await readProtoFiles([write("a.proto", A)]);
    const schema = registry.getMessage("a.v1.R")!;
    const json = {
      ...{ nm: "x", x: 0, ys: [1, 2], myMap: { k: { e: "B", again: {} } }, q: {}, t: "2026-01-01T00:00:00Z" },
      ...{ bq: { a: 3, g: { s: "hey" }, ps: [1, 2], us: [1, 2], "[b.v1.ext]": 5 }, es: ["B"] },
    };
    const bytes = toBinary(schema, fromJson(schema, json, { registry }));
    expect(toJson(schema, fromBinary(schema, bytes, {}), { registry })).toEqual(json);
    // The repeated fields: ys apart, ps packed, us apart, es packed; the group between its two tags.
    const hex = Buffer.from(bytes).toString("hex");
    for (const part of ["18011802", "1a020102", "20012002", "130a0368657914", "520affffffffffffffffff01"])
      expect(hex).toContain(part);
  });

  it("knows the kinds of a service's methods, and their types by the nearest scope", async () => {
    write("sub/b.proto", B);
    const { method } = (await readProtoFiles([write("a.proto", A)])).getService("a.v1.S")!;
    expect(method.m).toMatchObject({ methodKind: "client_streaming", input: { typeName: "a.v1.R" } });
    expect(method.m!.output.typeName).toBe("b.v1.Q");
  });

  it("takes an import path before the folder of the file", async () => {
    write("one/c.proto", 'syntax = "proto3"; import "d.proto"; message C { D d = 1; }');
    write("two/d.proto", 'syntax = "proto3"; message D {}');
    const registry = await readProtoFiles(["c.proto"], [join(dir, "one"), join(dir, "two")]);
    expect(registry.getMessage("C")?.fields[0]?.message?.typeName).toBe("D");
    expect(await readProtoFiles([join(dir, "one/c.proto")], [join(dir, "two")])).toBeDefined();
  });
});

describe("a file that was named and is not there", () => {
  it("is itself what is missing: no hint speaks of imports", async () => {
    const path = join(dir, "none.proto");
    await expect(readProtoFiles([path])).rejects.toMatchObject({
      message: `there is no file ${path}`,
      hint: undefined,
    });
    await expect(readProtoFiles(["none.proto"], [dir])).rejects.toThrow(
      `there is no file ${path}, nor none.proto`,
    );
  });
});

describe("is refused, with the file's name", () => {
  it.each([
    ["that is not there", "none.proto", undefined, `there is no file ${join(dir, "none.proto")}`],
    [
      "whose import is not there",
      "e.proto",
      'import "x/y.proto";',
      "e.proto imports x/y.proto, which is not in",
    ],
    ["that is no proto", "f.proto", "message {", "f.proto: illegal type name '{' (f.proto, line 1)"],
    [
      "with a type that is not there",
      "g.proto",
      'syntax = "proto3"; message G { H h = 1; }',
      "G.h: there is no type H",
    ],
    ["of an edition", "h.proto", 'edition = "2023"; message H {}', "h.proto is of edition 2023: compile it"],
    ["that imports itself", "i.proto", 'import "i.proto"; message I {}', "i.proto imports itself"],
  ])("a file %s", async (_, name, text, message) => {
    const path = text === undefined ? join(dir, name) : write(name, text);
    const refused = readProtoFiles([path]);
    await expect(refused).rejects.toThrow(ProtoFileError);
    await expect(refused).rejects.toThrow(message);
  });
});
