/**
 * A service of all four kinds made by hand, as proto-loader makes them: plain objects with codecs of their
 * own, here JSON. A text that is no JSON does not decode.
 */
import * as grpc from "@grpc/grpc-js";

/** A message. */
export interface Line {
  readonly text: string;
}

const serialize = (line: Line) => Buffer.from(JSON.stringify(line));
const deserialize = (bytes: Buffer) => JSON.parse(bytes.toString()) as Line;

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): grpc.MethodDefinition<Line, Line> {
  return {
    path: `/chat.v1.Chat/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

export const CHAT = {
  say: method("Say", false, false),
  list: method("List", false, true),
  join: method("Join", true, false),
  talk: method("Talk", true, true),
};
export const CHAT_METHODS = Object.values(CHAT).map(({ path }) => path);

export interface ChatHandlers {
  readonly say: grpc.handleUnaryCall<Line, Line>;
  readonly list: grpc.handleServerStreamingCall<Line, Line>;
  readonly join: grpc.handleClientStreamingCall<Line, Line>;
  readonly talk: grpc.handleBidiStreamingCall<Line, Line>;
}

/** Handlers that do what their names say: `list` splits a text, `join` puts texts together. */
const plain: ChatHandlers = {
  say: (call, callback) => callback(null, { text: call.request.text }),
  list: (call) => {
    for (const text of call.request.text.split(" ").filter(Boolean)) call.write({ text });
    call.end();
  },
  join: (call, callback) => {
    const texts: string[] = [];
    call.on("data", ({ text }: Line) => texts.push(text));
    call.on("end", () => callback(null, { text: texts.join(" ") }));
  },
  talk: (call) => {
    call.on("data", (line: Line) => call.write(line));
    call.on("end", () => call.end());
  },
};

type AnyCall = { metadata: grpc.Metadata };

/** Adds the service; `onCall` is told of each call that reaches a handler. */
export function addChat(
  server: grpc.Server,
  onCall: (method: string, call: AnyCall) => void,
  handlers: Partial<ChatHandlers> = {},
): void {
  const all = { ...plain, ...handlers };
  const told = Object.entries(all).map(([name, handler]) => [
    name,
    (call: AnyCall, callback: unknown) => {
      onCall(CHAT[name as keyof typeof CHAT].path, call);
      return (handler as (call: unknown, callback: unknown) => unknown)(call, callback);
    },
  ]);
  server.addService(CHAT, Object.fromEntries(told) as grpc.UntypedServiceImplementation);
}

/** A client made by hand, with promises. */
export class ChatClient extends grpc.Client {
  say(text: string, options: grpc.CallOptions = {}, metadata = new grpc.Metadata()): Promise<string> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = CHAT.say;
      this.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { text },
        metadata,
        withDeadline(options),
        settle(resolve, reject),
      );
    });
  }

  /** @param onText told of each text as it comes. */
  list(text: string, options: grpc.CallOptions = {}, onText?: (text: string) => void): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = CHAT.list;
    const wanted = withDeadline(options);
    return collect(
      this.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { text }, wanted),
      onText,
    );
  }

  join(texts: readonly string[], options: grpc.CallOptions = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = CHAT.join;
      const call = this.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        withDeadline(options),
        settle(resolve, reject),
      );
      for (const text of texts) call.write({ text });
      call.end();
    });
  }

  talk(texts: readonly string[], options: grpc.CallOptions = {}): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = CHAT.talk;
    const call = this.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      withDeadline(options),
    );
    const received = collect(call);
    for (const text of texts) call.write({ text });
    call.end();
    return received;
  }
}

function withDeadline(options: grpc.CallOptions): grpc.CallOptions {
  return { deadline: Date.now() + 10_000, ...options };
}

function settle(
  resolve: (text: string) => void,
  reject: (error: unknown) => void,
): grpc.requestCallback<Line> {
  return (error, line) => (error ? reject(error) : resolve(line!.text));
}

async function collect(
  call: AsyncIterable<Line>,
  onText: (text: string) => void = () => {},
): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of call) {
    texts.push(text);
    onText(text);
  }
  return texts;
}
