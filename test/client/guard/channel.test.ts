/** Over which channels a call may go. */
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { checkChannel } from "../../../src/client/guard/channel.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";

const authority = "api.example.test:443";

const check = (target: string | undefined, secure = false, allowInsecureChannel = false) =>
  checkChannel(
    { authority, target, behindProxy: target === undefined ? `dns:${authority}` : undefined, secure },
    allowInsecureChannel,
  );

afterEach(() => void vi.unstubAllEnvs());

const refusal = (way: string) =>
  new RpcError(
    grpc.status.FAILED_PRECONDITION,
    `the channel to ${way} is plaintext: whoever is on the way can read the call, and alter what its protection leaves ` +
      "open; use TLS, or insist with allowInsecureChannel",
  );

describe("plaintext", () => {
  test.each(["dns:localhost:1", "dns:127.0.0.1:1", "ipv6:[::1]:1", "unix:/run/orders.sock"])(
    "to this machine is taken: %s",
    (target) => {
      expect(() => check(target)).not.toThrow();
    },
  );

  test.each([
    "dns:api.example.test:443",
    "ipv4:127.0.0.1:1,192.0.2.1:1",
    "xds:localhost",
    "unknown:127.0.0.1:1",
  ])("to another is refused, and so is a scheme that nobody knows: %s", (target) => {
    expect(() => check(target)).toThrow(refusal(target));
    expect(() => check(target)).toThrow(expect.objectContaining({ code: grpc.status.FAILED_PRECONDITION }));
  });

  test("to a proxy is refused, wherever it is, with the variable that names it and both ways around", () => {
    expect(() => check(undefined)).toThrow(refusal("proxy for api.example.test:443"));
    vi.stubEnv("grpc_proxy", "http://user:secret@127.0.0.1:3128");
    vi.stubEnv("no_grpc_proxy", undefined);
    vi.stubEnv("no_proxy", undefined);
    expect(() => check(undefined)).toThrow(
      new RpcError(
        grpc.status.FAILED_PRECONDITION,
        "the channel to proxy for api.example.test:443, by grpc_proxy=http://127.0.0.1:3128, is plaintext: " +
          "whoever is on the way can read the call, and alter what its protection leaves open; " +
          'set no_proxy=api.example.test, or give the channel "grpc.enable_http_proxy": 0; ' +
          "use TLS, or insist with allowInsecureChannel",
      ),
    );
  });
});

test.each(["dns:api.example.test:443", undefined])(
  "a way to %s is taken with TLS, or where it is insisted on",
  (target) => {
    expect(() => check(target, true)).not.toThrow();
    expect(() => check(target, false, true)).not.toThrow();
  },
);
