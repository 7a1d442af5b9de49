import * as grpc from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { CommandError, UsageError } from "../../src/cli/frame/command.js";
import { CredentialCacheError } from "../../src/client/file-credential-cache.js";
import { ReadableError } from "../../src/errors/readable-error.js";
import { PrivateFileError } from "../../src/files/private-file-error.js";
import { FormatError } from "../../src/formats/format-error.js";
import { KeytabError } from "../../src/formats/keytab-error.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { RpcError } from "../../src/rpc/rpc-error.js";

import { ListenError } from "../../src/services/listen.js";
import { StoreError } from "../../src/store/store-error.js";

describe("an error for the user", () => {
  it.each<[string, ReadableError, Partial<ReadableError>]>([
    ["the command's", new CommandError("t", "h"), { text: "t", hint: "h", exitCode: 1, facts: {} }],
    ["wrong usage", new UsageError("t"), { text: "t", hint: undefined, exitCode: 2, facts: {} }],
    ["a file's", new PrivateFileError("unsafe", "/f", "t"), { hint: undefined, facts: { reason: "unsafe" } }],
    ["a missing file's", new PrivateFileError("missing", "/f", "t"), { hint: "check the path" }],
    ["another hint", new PrivateFileError("missing", "/f", "t", { hint: "h" }), { hint: "h", text: "t" }],
    ["a store's", new StoreError("full", "t", { hint: "h" }), { hint: "h", facts: { reason: "full" } }],
    ["a format's", new FormatError(7, "t"), { text: "t (at byte 7)", facts: {} }],
    ["a keytab's", new KeytabError("t"), { text: "t", exitCode: 1 }],
    ["a credential cache's", new CredentialCacheError("t"), { text: "t", exitCode: 1 }],
    ["a server's that can't listen", new ListenError("t"), { text: "t", exitCode: 1 }],
    [
      "a call's",
      new RpcError(grpc.status.UNIMPLEMENTED, "t"),
      {
        text: "t (UNIMPLEMENTED)",
        hint: "the server has no such method: is it the right address?",
        facts: { reason: "UNIMPLEMENTED" },
      },
    ],
    [
      "a refusal",
      new KrbError("KRB_AP_ERR_SKEW", "t", { limit_ms: "300000" }),
      {
        text: "t (KRB_AP_ERR_SKEW, 37)",
        exitCode: 1,
        facts: { reason: "KRB_AP_ERR_SKEW", code: 37, compared: { limit_ms: "300000" } },
      },
    ],
    [
      "a refusal that compared nothing",
      new KrbError("KRB_AP_ERR_REPEAT", "t"),
      { facts: { reason: "KRB_AP_ERR_REPEAT", code: 34 } },
    ],
  ])("says what happened and what to do: %s", (_, error, expected) => {
    expect(error).toBeInstanceOf(ReadableError);
    expect(error).toMatchObject(expected);
  });

  it("keeps its cause, and has none where none was given", () => {
    const cause = new Error("x");
    expect(new StoreError("full", "t", { cause }).cause).toBe(cause);
    expect("cause" in new StoreError("full", "t")).toBe(false);
    expect("cause" in new RpcError(grpc.status.UNKNOWN, "t")).toBe(false);
  });
});
