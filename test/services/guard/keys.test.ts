import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { readGuardOptions } from "../../../src/services/guard/config.js";
import { MemoryReplayCache } from "../../../src/store/memory-replay-cache.js";

const principal = parsePrincipal("chat/api@EXAMPLE.TEST", "service");
const replayCache = new MemoryReplayCache({ skew: 1000, startedAt: 0, restart: "fresh" });
let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "guard-keys-"));
  path = join(dir, "krb5.keytab");
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});
const write = () =>
  writeFileSync(path, formatKeytab([{ principal, kvno: 1, timestamp: 0, key: randomKey(etypeOf(20)) }]), {
    mode: 0o600,
  });

describe("a guard's keytab that can't be opened", () => {
  test("is said at start, to the log", () => {
    const log = vi.fn();
    readGuardOptions({ keytab: path, replayCache, log });
    expect(log).toHaveBeenCalledOnce();
    expect(log.mock.calls[0]?.[0]).toMatchObject({
      level: "error",
      text: expect.stringContaining(`${path}: no such`),
    });
  });

  test("is said at start as a warning of the process where there is no log", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    readGuardOptions({ keytab: path, replayCache });
    expect(warn.mock.calls).toEqual([[expect.stringContaining(`${path}: no such`), "TesseraWarning"]]);
  });

  test("is opened once it is there", () => {
    const { keys } = readGuardOptions({ keytab: path, replayCache, log: () => {} });
    expect(keys).toThrow(/no such/);
    write();
    expect(keys()).toMatchObject({ principal });
  });
});

test("a guard's keytab is named as in the command, with FILE: before its path", () => {
  write();
  const log = vi.fn();
  expect(readGuardOptions({ keytab: `FILE:${path}`, replayCache, log }).keys()).toMatchObject({ principal });
  expect(log).not.toHaveBeenCalled();
});

test("a guard's keytab of a type that is not here is wrong use", () => {
  for (const keytab of ["MEMORY:x", "KEYRING:process:x"])
    expect(() => readGuardOptions({ keytab, replayCache })).toThrow(RangeError);
});
