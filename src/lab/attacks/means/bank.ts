/** A guarded service with two methods, and alice calling it past somebody who keeps what she sends. */
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "../../../client/index.js";
import { fromServiceError } from "../../../rpc/status.js";
import { callerOf } from "../../../services/guard/caller.js";
import { guardedServer } from "../../../services/guard/guarded-server.js";
import { MemoryReplayCache } from "../../../store/replay/memory-replay-cache.js";
import type { LabRealm, LabUser } from "../../realm/lab-realm.js";

/** The methods. Requests and answers are text. */
export const BALANCE = "/lessons.Bank/Balance";
export const TRANSFER = "/lessons.Bank/Transfer";

/** A call as it came. */
export interface HeldCall {
  readonly path: string;
  /** The request metadata, the proof among it. */
  readonly metadata: grpc.Metadata;
  readonly request: Buffer;
}

/** A server of these methods. */
export interface BankServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
}

/** Starts the bank, under V's principal and key, on a free port. */
export async function startBank(realm: LabRealm): Promise<BankServer> {
  const { clockSkew } = realm.database.policy;
  const clock = () => realm.now;
  const server = guardedServer({
    keytab: () => ({ principal: realm.service, keys: [realm.keys.service] }),
    profile: realm.profile,
    clock,
    clockSkew,
    replayCache: new MemoryReplayCache({ skew: clockSkew, startedAt: realm.now, restart: "fresh" }),
  });
  return serve(server, (path, call) => `${path} done for ${callerOf(call).principal}`);
}

/** Alice calls a method, and what she sends ends at mallory, who answers nothing of use. */
export async function holdCall(
  realm: LabRealm,
  { principal, password }: LabUser,
  path: string,
  text: string,
  authority?: string,
): Promise<HeldCall> {
  let held: HeldCall | undefined;
  await using mallory = await serve(new grpc.Server(), (method, { metadata, request }) => {
    held = { path: method, metadata, request };
    throw new Error("the line is dead");
  });
  const kerberos = realm.client();
  await kerberos.login(principal, password);
  const interceptors = [ticketInterceptor(kerberos, realm.service, { sessions: false })];
  const named = authority === undefined ? {} : { "grpc.default_authority": authority };
  const client = new grpc.Client(mallory.address, grpc.credentials.createInsecure(), named);
  const request = Buffer.from(text);
  // Alice learns no more than that it failed.
  await unary(client, path, request, new grpc.Metadata(), interceptors).catch(() => {});
  if (held === undefined) throw new Error("alice's call did not come");
  return held;
}

/**
 * Sends a call that was held, as it is or changed.
 * @returns the answer.
 * @throws KrbError as the guard refuses.
 */
export async function passOn(bank: BankServer, { path, metadata, request }: HeldCall): Promise<string> {
  const client = new grpc.Client(bank.address, grpc.credentials.createInsecure());
  return (await unary(client, path, request, metadata, [])).toString();
}

function serve(
  server: grpc.Server,
  handle: (path: string, call: grpc.ServerUnaryCall<Buffer, Buffer>) => string,
): Promise<BankServer> {
  const methods = [BALANCE, TRANSFER].map((path) => [path, definition(path)] as const);
  const handlers = methods.map(([path]) => {
    const handler: grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => {
      try {
        answer(null, Buffer.from(handle(path, call)));
      } catch (error) {
        answer({ code: grpc.status.ABORTED, details: (error as Error).message });
      }
    };
    return [path, handler] as const;
  });
  server.addService(Object.fromEntries(methods), Object.fromEntries(handlers));
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) return reject(error);
      const close = async () => server.forceShutdown();
      resolve({ address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: close });
    });
  });
}

function definition(path: string): grpc.MethodDefinition<Buffer, Buffer> {
  const asItIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}

function unary(
  client: grpc.Client,
  path: string,
  request: Buffer,
  metadata: grpc.Metadata,
  interceptors: grpc.Interceptor[],
): Promise<Buffer> {
  const { requestSerialize, responseDeserialize } = definition(path);
  const options = { interceptors, deadline: Date.now() + 10_000 };
  return new Promise<Buffer>((resolve, reject) => {
    const done: grpc.requestCallback<Buffer> = (error, answer) =>
      error === null ? resolve(answer!) : reject(fromServiceError(error));
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done);
  }).finally(() => client.close());
}
