/**
 * A realm with a service on Connect's handlers, and one of the same on grpc-js: real KDC, real sockets.
 *
 *   await using world = await openConnect({ guard: { protection: "integrity" } });
 *   await world.connect({ protection: "privacy" }).add({ text: "hello" });
 */
import { createSecureServer, createServer, type SecureServerOptions } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type Client, type ConnectRouter, createClient, type ServiceImpl } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { NoteService } from "../../examples/connect/gen/notes_pb.js";
import {
  type KerberosClient,
  type TicketInterceptorOptions,
  ticketInterceptor,
} from "../../src/client/index.js";
import { callerOf } from "../../src/connect/caller.js";
import { type GuardedAdapterOptions, guardedNodeAdapter } from "../../src/connect/node-adapter.js";
import { type TicketTransportOptions, ticketTransport } from "../../src/connect/transport.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import type { GuardOptions } from "../../src/services/guard/config.js";
import { createTestRealm, type TestRealm } from "../../src/testing/test-realm.js";

export const SERVICE = "notes/localhost";
export const ALICE = "alice@TEST.EXAMPLE";
export { NoteService };

/** What the service does: `owner` says who called, whatever the request says. */
export type Handlers = Partial<ServiceImpl<typeof NoteService>>;

export interface ConnectWorldOptions {
  readonly guard?: Partial<GuardOptions>;
  readonly handlers?: Handlers;
  readonly adapter?: Partial<GuardedAdapterOptions>;
  readonly tls?: SecureServerOptions;
}

export interface ConnectWorld extends AsyncDisposable {
  readonly realm: TestRealm;
  readonly alice: KerberosClient;
  readonly baseUrl: string;
  readonly log: LogRecord[];
  /** A client of Connect's, with alice's tickets. */
  connect(
    tickets?: TicketInterceptorOptions,
    options?: Partial<TicketTransportOptions>,
  ): Client<typeof NoteService>;
  /** A client of grpc-js's, with alice's tickets or none. */
  grpc(interceptors?: grpc.Interceptor[], options?: grpc.ChannelOptions): GrpcNotes;
}

const plain: ServiceImpl<typeof NoteService> = {
  add: ({ text }, context) => ({ text, owner: callerOf(context).principal }),
  async *list(_, context) {
    for (const text of ["a", "b", "c"]) yield { text, owner: callerOf(context).principal };
  },
  async addAll(requests) {
    let added = 0;
    for await (const _ of requests) added++;
    return { added };
  },
  async *follow(requests, context) {
    for await (const { text } of requests) yield { text, owner: callerOf(context).principal };
  },
};

export async function openConnect(options: ConnectWorldOptions = {}): Promise<ConnectWorld> {
  const realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  const log: LogRecord[] = [];
  const routes = (router: ConnectRouter) => router.service(NoteService, { ...plain, ...options.handlers });
  const guard: GuardOptions = {
    keytab: () => keys,
    clock: () => realm.now,
    log: (record) => void log.push(record),
    ...options.guard,
  };
  const adapter = guardedNodeAdapter({ routes, ...options.adapter }, guard);
  const server = options.tls === undefined ? createServer(adapter) : createSecureServer(options.tls, adapter);
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `${options.tls === undefined ? "http" : "https"}://localhost:${port}`;
  const alice = await realm.login("alice");
  const open: { close(): void }[] = [];
  return {
    realm,
    alice,
    baseUrl,
    log,
    connect: (tickets = {}, rest = {}) => {
      const transport = ticketTransport(alice, SERVICE, { baseUrl, tickets, ...rest });
      open.push(transport);
      return createClient(NoteService, transport);
    },
    grpc: (interceptors = [ticketInterceptor(alice, SERVICE)], channelOptions = {}) => {
      const client = new GrpcNotes(`localhost:${port}`, interceptors, channelOptions);
      open.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const one of open) one.close();
      for (const session of sessions) session.destroy();
      server.close();
      await realm.close();
    },
  };
}

const definition = loadSync(fileURLToPath(new URL("../../examples/connect/notes.proto", import.meta.url)));
/** The service as proto-loader loads it. */
export const GRPC_NOTES = definition["notes.v1.NoteService"] as grpc.ServiceDefinition;

export interface Said {
  readonly text: string;
  readonly owner: string;
}

/** A client of grpc-js's, with promises. */
export class GrpcNotes {
  readonly #client: grpc.Client & Record<string, (...args: unknown[]) => unknown>;

  constructor(address: string, interceptors: grpc.Interceptor[], options: grpc.ChannelOptions) {
    const Notes = grpc.makeGenericClientConstructor(GRPC_NOTES, "NoteService");
    const insecure = grpc.credentials.createInsecure();
    this.#client = new Notes(address, insecure, { interceptors, ...options }) as never;
  }

  close(): void {
    this.#client.close();
  }

  add(text: string): Promise<Said> {
    return new Promise((resolve, reject) => {
      this.#client.add!({ text }, (error: Error | null, said: Said) =>
        error ? reject(error) : resolve(said),
      );
    });
  }

  list(): Promise<Said[]> {
    return collect(this.#client.list!({}) as AsyncIterable<Said>);
  }

  addAll(...texts: string[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const call = this.#client.addAll!((error: Error | null, reply: { added: number }) =>
        error ? reject(error) : resolve(reply.added),
      ) as grpc.ClientWritableStream<object>;
      for (const text of texts) call.write({ text });
      call.end();
    });
  }

  follow(...texts: string[]): Promise<Said[]> {
    const call = this.openFollow();
    for (const text of texts) call.write({ text });
    call.end();
    return collect(call);
  }

  openFollow(): grpc.ClientDuplexStream<object, Said> {
    return this.#client.follow!() as grpc.ClientDuplexStream<object, Said>;
  }
}

/** What a stream said. */
export async function collect(call: AsyncIterable<Said>): Promise<Said[]> {
  const said: Said[] = [];
  for await (const { text, owner } of call) said.push({ text, owner });
  return said;
}

/** Requests of a stream. */
export async function* notes(...texts: string[]): AsyncGenerator<{ text: string }> {
  for (const text of texts) yield { text };
}
