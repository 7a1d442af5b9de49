// The guarded service that is put through it: texts in, texts out, of all four kinds.
const codec = { serialize: (text) => Buffer.from(text), deserialize: (bytes) => bytes.toString() };

const method = (name, requestStream = false, responseStream = false) => ({
  path: `/chaos.v1.ChaosService/${name}`,
  requestStream,
  responseStream,
  requestSerialize: codec.serialize,
  requestDeserialize: codec.deserialize,
  responseSerialize: codec.serialize,
  responseDeserialize: codec.deserialize,
});

export const METHODS = {
  plain: method("Plain"),
  /** Fails at its first attempt, where it is told so; retried by the service config. */
  retried: method("Retried"),
  /** Declared idempotent: several attempts may run, each once. */
  hedged: method("Hedged"),
  /** Takes its time: its callers lose patience. */
  slow: method("Slow"),
  watch: method("Watch", false, true),
  collect: method("Collect", true, false),
  chat: method("Chat", true, true),
};

export const SERVICE = "chaos/localhost";
/** The metadata by which a client tells its attempts apart. */
export const ATTEMPT = "attempt";
/** Where replays come from: so the processes can tell them from the calls of honest clients. */
export const REPLAYER = "127.0.0.2";

const name = (method) => [{ service: "chaos.v1.ChaosService", method }];

export const SERVICE_CONFIG = JSON.stringify({
  methodConfig: [
    {
      name: name("Retried"),
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.02s",
        maxBackoff: "0.2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
    {
      name: name("Hedged"),
      hedgingPolicy: { maxAttempts: 3, hedgingDelay: "0.01s", nonFatalStatusCodes: ["UNAVAILABLE"] },
    },
  ],
});
