/** Settings of every client in this project. */
import type * as grpc from "@grpc/grpc-js";

/**
 * Retries: UNAVAILABLE only, three attempts within a few tenths of a second. Each attempt asks the call
 * credentials again, so that a guarded call carries a fresh authenticator and a retry is never taken for a
 * replay.
 */
export const RETRY_SERVICE_CONFIG = {
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "0.05s",
        maxBackoff: "0.5s",
        backoffMultiplier: 3,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
  retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
} as const;

/** grpc-js's settings for every channel. */
export const CHANNEL_OPTIONS: Readonly<grpc.ChannelOptions> = Object.freeze({
  // A server that is gone is noticed: a ping every 30 s while calls run …
  "grpc.keepalive_time_ms": 30_000,
  // … and 5 s for its answer.
  "grpc.keepalive_timeout_ms": 5_000,
  // A client has connections of its own: grpc-js would have it wait for the pause that another client of the
  // process has met at the same address, and refuse its first calls with "Last error: null".
  "grpc.use_local_subchannel_pool": 1,
  // The largest response accepted, in bytes.
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.service_config": JSON.stringify(RETRY_SERVICE_CONFIG),
  // A resolver's own service config (TXT records) would replace the one above.
  "grpc.service_config_disable_resolution": 1,
});
