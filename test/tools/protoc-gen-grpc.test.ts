import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { fileDescriptors } from "../../src/gen/file-descriptors_pb.js";

const run = promisify(execFile);

/** What the plugin makes of a file `demo/v1/demo.proto`. */
async function generate(proto: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-gen-"));
  try {
    await mkdir(join(folder, "proto/demo/v1"), { recursive: true });
    await writeFile(join(folder, "proto/demo/v1/demo.proto"), proto);
    const plugin = resolve("tools/protoc-gen-grpc.mjs");
    const template = {
      version: "v2",
      plugins: [{ local: ["node", plugin], out: folder, strategy: "all", opt }],
    };
    const args = ["generate", join(folder, "proto"), "--template", JSON.stringify(template)];
    await run(resolve("node_modules/.bin/buf"), args, { cwd: folder });
    return await readFile(join(folder, "demo/v1/demo_grpc.ts"), "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}
const opt = ["target=ts", "import_extension=js"];

const demo = `syntax = "proto3";
package demo.v1;
import "google/protobuf/empty.proto";
message Item { string name = 1; }
// Keeps items.
service DemoService {
  // One of them.
  rpc Get(Item) returns (Item);
  rpc Watch(google.protobuf.Empty) returns (stream Item);
  rpc Upload(stream Item) returns (google.protobuf.Empty);
  rpc Exchange(stream Item) returns (stream Item);
}
`;

test("a service becomes a client, a server interface and a function that adds it", async () => {
  const code = await generate(demo);
  expect(code.slice(code.indexOf("/**"))).toBe(`/**
 * Keeps items.
 *
 * @generated from service demo.v1.DemoService
 */
export class DemoServiceClient extends ServiceClient {
  /**
   * One of them.
   *
   * @generated from rpc demo.v1.DemoService.Get
   */
  get(
    request: MessageInitShape<typeof ItemSchema>,
    options?: CallOptions,
  ): Promise<Item> {
    return this.callUnary(DemoService.method.get, request, options);
  }

  /**
   * @generated from rpc demo.v1.DemoService.Watch
   */
  watch(
    request: MessageInitShape<typeof EmptySchema>,
    options?: CallOptions,
  ): AsyncIterable<Item> {
    return this.callServerStream(DemoService.method.watch, request, options);
  }

  /**
   * @generated from rpc demo.v1.DemoService.Upload
   */
  upload(
    requests: AsyncIterable<MessageInitShape<typeof ItemSchema>> | Iterable<MessageInitShape<typeof ItemSchema>>,
    options?: CallOptions,
  ): Promise<Empty> {
    return this.callClientStream(DemoService.method.upload, requests, options);
  }

  /**
   * @generated from rpc demo.v1.DemoService.Exchange
   */
  exchange(
    requests: AsyncIterable<MessageInitShape<typeof ItemSchema>> | Iterable<MessageInitShape<typeof ItemSchema>>,
    options?: CallOptions,
  ): AsyncIterable<Item> {
    return this.callBidiStream(DemoService.method.exchange, requests, options);
  }
}

/**
 * Keeps items.
 *
 * @generated from service demo.v1.DemoService
 */
export interface DemoServiceServer {
  /**
   * One of them.
   *
   * @generated from rpc demo.v1.DemoService.Get
   */
  get(
    request: Item,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ItemSchema>>;

  /**
   * @generated from rpc demo.v1.DemoService.Watch
   */
  watch(
    request: Empty,
    context: HandlerContext,
  ): AsyncIterable<MessageInitShape<typeof ItemSchema>>;

  /**
   * @generated from rpc demo.v1.DemoService.Upload
   */
  upload(
    requests: AsyncIterable<Item>,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof EmptySchema>>;

  /**
   * @generated from rpc demo.v1.DemoService.Exchange
   */
  exchange(
    requests: AsyncIterable<Item>,
    context: HandlerContext,
  ): AsyncIterable<MessageInitShape<typeof ItemSchema>>;
}

/**
 * Adds an implementation of demo.v1.DemoService to a server.
 */
export function addDemoService(
  server: ServiceHost,
  implementation: DemoServiceServer,
  options?: ServiceOptions,
): void {
  addService(server, DemoService, implementation, options);
}

`);
  expect(code).toContain('import { ServiceClient } from "../../../rpc/client-runtime.js";');
  expect(code).toContain('import type { Empty, EmptySchema } from "@bufbuild/protobuf/wkt";');
});

test("an RPC whose name the client's base has already is refused", async () => {
  await expect(generate(demo.replace("rpc Get", "rpc Close"))).rejects.toThrow(
    /rpc demo\.v1\.DemoService\.Close: the name close is taken by ServiceClient/,
  );
});

test("file descriptors are kept with comments and without line numbers of anything else", () => {
  for (const [name, base64] of Object.entries(fileDescriptors)) {
    const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, "base64"));
    expect(file.name).toBe(name);
    for (const place of file.sourceCodeInfo?.location ?? []) {
      expect(place.leadingComments + place.trailingComments + place.leadingDetachedComments.join()).not.toBe(
        "",
      );
    }
  }
  expect(Object.keys(fileDescriptors)).toContain("kerberos/v1/sealed.proto");
});
