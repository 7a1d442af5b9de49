/** A guarded server on the public doors alone, bundled and run by bundle.test.ts with a keytab's path. */
import * as grpc from "@grpc/grpc-js";
import { callerOf, guard, KeytabFile, MemoryReplayCache } from "tessera-sso/server";

const text = {
  serialize: (value: string) => Buffer.from(value),
  deserialize: (bytes: Buffer) => bytes.toString(),
};
const method = {
  path: "/demo.v1.DemoService/WhoAmI",
  requestStream: false,
  responseStream: false,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
} as const;

async function main(file: string): Promise<void> {
  const keytab = await KeytabFile.open(file);
  const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: Date.now(), restart: "fresh" });
  const allow = { "demo.v1.DemoService": ["*@TEST.EXAMPLE"] };
  const server = new grpc.Server({ interceptors: [guard({ keytab, replayCache, allow })] });
  server.addService(
    { whoAmI: method },
    {
      whoAmI(call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) {
        answer(null, callerOf(call).principal);
      },
    },
  );
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(port);
  });
}

// It ends with the test that started it, even if that is killed.
process.stdin.resume().on("end", () => process.exit());
void main(process.argv[2]!);
