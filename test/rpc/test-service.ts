/**
 * A service with all four kinds of call for these tests, its descriptor made here; and a server around it.
 */
import {
  create,
  createFileRegistry,
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type Int32Value,
  type Int32ValueSchema,
  type StringValue,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { type CallOptions, type ClientOptions, ServiceClient } from "../../src/rpc/client-runtime.js";
import { makeServer, type ServerParts } from "../../src/rpc/server-options.js";
import {
  addService,
  type HandlerContext,
  type ServiceImplementation,
  type ServiceOptions,
} from "../../src/rpc/server-runtime.js";

const text = ".google.protobuf.StringValue";
const number = ".google.protobuf.Int32Value";

const file = create(FileDescriptorProtoSchema, {
  name: "tessera/test/v1/test_service.proto",
  package: "tessera.test.v1",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "TestService",
      method: [
        { name: "Say", inputType: text, outputType: text },
        { name: "Count", inputType: number, outputType: number, serverStreaming: true },
        { name: "Sum", inputType: number, outputType: number, clientStreaming: true },
        { name: "Echo", inputType: text, outputType: text, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});

type TestMethods = {
  say: DescMethodUnary<typeof StringValueSchema, typeof StringValueSchema>;
  count: DescMethodServerStreaming<typeof Int32ValueSchema, typeof Int32ValueSchema>;
  sum: DescMethodClientStreaming<typeof Int32ValueSchema, typeof Int32ValueSchema>;
  echo: DescMethodBiDiStreaming<typeof StringValueSchema, typeof StringValueSchema>;
};

/** The descriptor, typed as generated ones are. */
export const TestService = createFileRegistry(file, (name) =>
  name === "google/protobuf/wrappers.proto" ? file_google_protobuf_wrappers : undefined,
).getService("tessera.test.v1.TestService") as unknown as Omit<DescService, "method"> & {
  method: TestMethods;
};

export type TestServer = ServiceImplementation<typeof TestService>;

/** What a generated client looks like. */
export class TestClient extends ServiceClient {
  say(value: string, options?: CallOptions): Promise<StringValue> {
    return this.callUnary(TestService.method.say, { value }, options);
  }

  count(value: number, options?: CallOptions): AsyncGenerator<Int32Value> {
    return this.callServerStream(TestService.method.count, { value }, options);
  }

  sum(
    values: AsyncIterable<{ value: number }> | Iterable<{ value: number }>,
    options?: CallOptions,
  ): Promise<Int32Value> {
    return this.callClientStream(TestService.method.sum, values, options);
  }

  echo(
    values: AsyncIterable<{ value: string }> | Iterable<{ value: string }>,
    options?: CallOptions,
  ): AsyncGenerator<StringValue> {
    return this.callBidiStream(TestService.method.echo, values, options);
  }
}

/** Handlers that do what their names say. */
export const plain: TestServer = {
  async say(request) {
    return { value: request.value };
  },
  async *count(request) {
    for (let value = 1; value <= request.value; value++) yield { value };
  },
  async sum(requests) {
    let value = 0;
    for await (const request of requests) value += request.value;
    return { value };
  },
  async *echo(requests) {
    for await (const request of requests) yield { value: request.value };
  },
};

/** A server on a port of its own, with a client. Disposing ends both. */
export interface Running extends AsyncDisposable {
  readonly port: number;
  readonly address: string;
  readonly server: grpc.Server;
  readonly client: TestClient;
  /** What reached the log. */
  readonly logged: { error: unknown; context: HandlerContext }[];
}

/** Starts a server with these handlers in place of the plain ones. */
export async function serve(
  handlers: Partial<TestServer> = {},
  parts: ServerParts & { service?: ServiceOptions; client?: ClientOptions } = {},
): Promise<Running> {
  const server = makeServer(parts);
  const logged: Running["logged"] = [];
  addService(
    server,
    TestService,
    { ...plain, ...handlers },
    { onInternalError: (error, context) => logged.push({ error, context }), ...parts.service },
  );
  const port = await listen(server);
  const address = `127.0.0.1:${port}`;
  const client = new TestClient(address, grpc.credentials.createInsecure(), parts.client);
  return {
    port,
    address,
    server,
    client,
    logged,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
    },
  };
}

/** Binds a server to a port of this machine, a free one by default. */
export function listen(server: grpc.Server, at = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${at}`, grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
