/** Reflection from a server that is not ours: files it leaves out, and files without end. */
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, it } from "vitest";
import { ReflectionClient } from "../../src/client/reflection.js";
import { addServerReflection } from "../../src/gen/grpc/reflection/v1/reflection_grpc.js";
import type { ServerReflectionRequest } from "../../src/gen/grpc/reflection/v1/reflection_pb.js";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

interface File {
  readonly name: string;
  readonly dependency?: string[];
}

/** A client of a server that has these files, and says so in its own way. */
async function reflecting(fileOf: (name: string) => File | undefined): Promise<ReflectionClient> {
  const server = new grpc.Server();
  addServerReflection(server, {
    serverReflectionInfo: async function* (requests: AsyncIterable<ServerReflectionRequest>) {
      for await (const { messageRequest } of requests) {
        const file = fileOf(String(messageRequest.value));
        const bytes = file && toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, file));
        yield {
          messageResponse: bytes
            ? { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto: [bytes] } }
            : { case: "errorResponse" as const, value: { errorCode: 5, errorMessage: "none" } },
        };
      }
    },
  });
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  const client = new ReflectionClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  open.push(client, { close: () => server.forceShutdown() });
  return client;
}

it("fills in the well-known files that a server leaves out", async () => {
  const client = await reflecting((name) =>
    name === "s.S" ? { name: "s.proto", dependency: ["google/protobuf/any.proto"] } : undefined,
  );
  expect((await client.describe("s.S"))?.getMessage("google.protobuf.Any")).toBeDefined();
});

it("knows nothing of a symbol that the server has not", async () => {
  const client = await reflecting(() => undefined);
  expect(await client.describe("s.S")).toBeUndefined();
  expect(await client.services()).toEqual([]);
});

it("names an import that is nowhere", async () => {
  const client = await reflecting((name) =>
    name === "s.S" ? { name: "s.proto", dependency: ["gone.proto"] } : undefined,
  );
  await expect(client.describe("s.S")).rejects.toMatchObject({
    code: grpc.status.INTERNAL,
    message: "the server's descriptors make no whole: s.proto imports gone.proto, which is missing",
  });
});

it("stops asking a server whose files never end", async () => {
  let count = 0;
  const client = await reflecting((name) => ({ name, dependency: [`${++count}.proto`] }));
  await expect(client.describe("s.S")).rejects.toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
});

it("says so where a server has no reflection of either version", async () => {
  const server = new grpc.Server();
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  const client = new ReflectionClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  open.push(client, { close: () => server.forceShutdown() });
  await expect(client.describe("s.S")).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
});
