/** Messages altered between a client and a server: the last interceptor before the wire does it. */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

/** Where messages are altered. */
export interface Alteration {
  readonly interceptor: grpc.Interceptor;
  /** Whether the server answered a call whose request was altered. */
  answered(): boolean;
}

/**
 * Alters the requests of a method as they travel.
 * @param method how its path ends: `/Authenticate`.
 */
export function alteredOnTheWay<Desc extends DescMessage>(
  method: string,
  schema: Desc,
  alter: (request: MessageShape<Desc>) => void,
): Alteration {
  let isAnswered = false;
  const interceptor: grpc.Interceptor = (options, nextCall) => {
    const call = nextCall(options);
    if (!options.method_definition.path.endsWith(method)) return new grpc.InterceptingCall(call);
    return new grpc.InterceptingCall(call, {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMessage: (message, nextMessage) => {
            isAnswered ||= message !== null;
            nextMessage(message);
          },
        }),
      sendMessage: (message: Buffer, next) => {
        const request = fromBinary(schema, message);
        alter(request);
        next(Buffer.from(toBinary(schema, request)));
      },
    });
  };
  return { interceptor, answered: () => isAnswered };
}
