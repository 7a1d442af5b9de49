/**
 * A channel with interceptors of its own, for libraries that take a grpc-js channel and no interceptors, as
 * nice-grpc does. The calls made on it see the interceptors below them as a part of the channel.
 */
import type * as grpc from "@grpc/grpc-js";
import { identity } from "./service-definition.js";

type Call = ReturnType<grpc.ChannelInterface["createCall"]>;
type Listener = Parameters<Call["start"]>[1];
type Context = Parameters<Call["sendMessageWithContext"]>[0];

/** A method, as far as interceptors are told of it. */
export interface InterceptedMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** A service: grpc-js's definition of it, or the generic one that ts-proto generates. */
export type InterceptedService =
  | Readonly<Record<string, InterceptedMethod>>
  | {
      readonly fullName: string;
      readonly methods: Readonly<Record<string, Omit<InterceptedMethod, "path"> & { readonly name: string }>>;
    };

/**
 * The same channel with interceptors on its calls; closing either closes both.
 * @param services what is called on it: a channel itself is not told whether a method streams.
 * @param interceptors in the order of grpc-js: the last is nearest to the wire.
 * @throws TypeError, from a call, for a method that no service has.
 */
export function interceptedChannel<Channel extends grpc.ChannelInterface>(
  channel: Channel,
  services: readonly InterceptedService[],
  interceptors: readonly grpc.Interceptor[],
): Channel {
  const methods = new Map(services.flatMap(methodsOf).map((method) => [method.path, method]));
  const bottom: grpc.NextCall = (options) => new BottomCall(channel, options);
  const chain = interceptors.reduceRight<grpc.NextCall>(
    (next, interceptor) => (options) => interceptor(options, next),
    bottom,
  );
  const createCall: grpc.ChannelInterface["createCall"] = (path, deadline, host, parent, propagateFlags) => {
    const method = methods.get(path);
    if (method === undefined) throw new TypeError(`interceptedChannel: none of its services has ${path}`);
    const { requestStream, responseStream } = method;
    const definition = {
      path,
      requestStream,
      responseStream,
      requestSerialize: identity,
      responseDeserialize: identity,
    };
    return new InterceptedCall(chain, {
      deadline,
      method_definition: definition,
      ...(host != null && { host }),
      ...(parent != null && { parent: parent as NonNullable<grpc.CallOptions["parent"]> }),
      ...(propagateFlags != null && { propagate_flags: propagateFlags }),
    });
  };
  return Object.create(channel, { createCall: { value: createCall } }) as Channel;
}

function methodsOf(service: InterceptedService): InterceptedMethod[] {
  if (!isGeneric(service)) return Object.values(service);
  return Object.values(service.methods).map(({ name, ...shape }) => ({
    ...shape,
    path: `/${service.fullName}/${name}`,
  }));
}

function isGeneric(
  service: InterceptedService,
): service is Extract<InterceptedService, { readonly fullName: string }> {
  return typeof service.fullName === "string";
}

/** A call on the channel, for whoever makes calls on it: bytes in, bytes out. */
class InterceptedCall implements Call {
  readonly #chain: grpc.NextCall;
  readonly #options: grpc.InterceptorOptions;
  #credentials: grpc.CallCredentials | undefined;
  /** Made when it is first needed: credentials are set after the call was created. */
  #made: grpc.InterceptingCall | undefined;

  constructor(chain: grpc.NextCall, options: grpc.InterceptorOptions) {
    this.#chain = chain;
    this.#options = options;
  }

  setCredentials(credentials: grpc.CallCredentials): void {
    this.#credentials = credentials;
  }

  start(metadata: grpc.Metadata, listener: Listener): void {
    this.#call.start(metadata, listener);
  }

  sendMessageWithContext(context: Context, message: Buffer): void {
    this.#call.sendMessageWithContext(context, message);
  }

  startRead(): void {
    this.#call.startRead();
  }

  halfClose(): void {
    this.#call.halfClose();
  }

  cancelWithStatus(status: grpc.status, details: string): void {
    this.#call.cancelWithStatus(status, details);
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getAuthContext(): ReturnType<Call["getAuthContext"]> {
    return this.#call.getAuthContext();
  }

  /** grpc-js numbers its own calls for its log. */
  getCallNumber(): number {
    return 0;
  }

  get #call(): grpc.InterceptingCall {
    const credentials = this.#credentials;
    this.#made ??= this.#chain({
      ...this.#options,
      ...(credentials !== undefined && { credentials }),
    }) as grpc.InterceptingCall;
    return this.#made;
  }
}

/** What is below the interceptors: a call on the channel beneath, with the fields of grpc-js's own. */
class BottomCall {
  readonly call: Call;
  methodDefinition: grpc.InterceptorOptions["method_definition"];

  constructor(channel: grpc.ChannelInterface, options: grpc.InterceptorOptions) {
    const { method_definition: method, deadline, host, parent, propagate_flags, credentials } = options;
    this.methodDefinition = method;
    const parentCall = (parent ?? null) as Parameters<grpc.ChannelInterface["createCall"]>[3];
    const ends = deadline ?? Number.POSITIVE_INFINITY;
    this.call = channel.createCall(method.path, ends, host, parentCall, propagate_flags);
    if (credentials !== undefined) this.call.setCredentials(credentials);
  }

  start(metadata: grpc.Metadata, listener: Partial<Listener> = {}): void {
    this.call.start(metadata, {
      onReceiveMetadata: (received) => listener.onReceiveMetadata?.(received),
      onReceiveMessage: (message) => listener.onReceiveMessage?.(message),
      onReceiveStatus: (status) => listener.onReceiveStatus?.(status),
    });
  }

  sendMessage(message: Buffer): void {
    this.call.sendMessageWithContext({}, message);
  }

  sendMessageWithContext(context: Context, message: Buffer): void {
    this.call.sendMessageWithContext(context, message);
  }

  startRead(): void {
    this.call.startRead();
  }

  halfClose(): void {
    this.call.halfClose();
  }

  cancelWithStatus(status: grpc.status, details: string): void {
    this.call.cancelWithStatus(status, details);
  }

  getPeer(): string {
    return this.call.getPeer();
  }

  getAuthContext(): ReturnType<Call["getAuthContext"]> {
    return this.call.getAuthContext();
  }
}
