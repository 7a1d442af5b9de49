/** Where a guard's keys come from, and that calls are refused as long as they can't be had. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { readGuardOptions } from "../../../src/services/guard/config.js";
import { currentKeys, type Keytab, keySource } from "../../../src/services/guard/keys.js";
import { KeytabFile } from "../../../src/services/keytab-file.js";
import { bind, CHAT_SERVICE, KEYS, NOW, names, openCall, serviceKeys, settled } from "./by-hand.js";

const OTHER = parsePrincipal("other/api.example.test@TEST.EXAMPLE", "service");
const replayCache = { store: async () => {} };

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

function writeKeytab(...services: (typeof KEYS)[]) {
  const entries = services.flatMap(({ principal, keys }) =>
    keys.map((key) => ({ principal, timestamp: NOW, ...key })),
  );
  writeFileSync(path, formatKeytab(entries), { mode: 0o600 });
}

const clock = () => NOW;

/** A source, and what it told of files that can't be used. */
function sourceOf(keytab: Keytab, service?: string) {
  const told: string[] = [];
  const say = (error: unknown) => void told.push(String(error));
  const source = keySource(keytab, service, clock, { onError: say, onSkipped: say });
  return { source, told };
}

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

  test("is opened once it is there, and from then on asked alone", () => {
    const { source, told } = sourceOf(path);
    expect(told).toEqual([expect.stringContaining(`${path}: no such`)]);
    expect(source).toThrow(/no such/);
    writeKeytab(KEYS);
    const opened = vi.spyOn(KeytabFile, "openNow");
    expect(source()).toMatchObject({ principal: CHAT_SERVICE });
    expect(source()).toBe(source());
    expect(opened).toHaveBeenCalledTimes(1);
    expect(told).toHaveLength(1);
  });

  test("refuses calls until it is there, and says why in the log", async () => {
    const { source } = sourceOf(path);
    const send = () => {
      const opened = openCall({ keytab: source });
      const { metadata, request } = bind();
      opened.call.onReceiveMetadata(metadata);
      opened.call.onReceiveMessage(request);
      return opened;
    };
    const { wire, handler, log } = send();
    await settled();
    expect(names(wire)).toEqual(["UNAVAILABLE"]);
    expect(wire[0]![1]).toMatchObject({ details: "the service can't read its keytab; try again" });
    expect(handler).toEqual([]);
    expect(log).toMatchObject([
      { level: "error", text: expect.stringContaining("no such") },
      { result: "KDC_ERR_SVC_UNAVAILABLE", text: "the service can't read its keytab; try again" },
    ]);
    writeKeytab(KEYS);
    const later = send();
    await settled();
    expect(names(later.handler)).toEqual(["metadata"]);
  });
});

describe("a keytab in a file", () => {
  test("is opened once, by the guard's clock", () => {
    writeKeytab(KEYS);
    const opened = vi.spyOn(KeytabFile, "openNow");
    const { source, told } = sourceOf(path);
    expect(source().principal).toBe(CHAT_SERVICE);
    expect(source()).toBe(source());
    expect(opened.mock.calls).toEqual([[path, expect.objectContaining({ clock })]]);
    expect(told).toEqual([]);
  });

  test("of several principals gives the keys of the one that is named", () => {
    writeKeytab(KEYS, { ...serviceKeys(20), principal: OTHER });
    expect(sourceOf(path, OTHER).source().principal).toBe(OTHER);
    expect(sourceOf(path).source).toThrow(/say which is meant/);
  });

  test("is named as in the command, with FILE: before its path", () => {
    writeKeytab(KEYS);
    const { source, told } = sourceOf(`FILE:${path}`);
    expect(source()).toMatchObject({ principal: CHAT_SERVICE });
    expect(told).toEqual([]);
  });

  test("is of no other type", () => {
    for (const keytab of ["MEMORY:x", "KEYRING:process:x"]) {
      expect(() => sourceOf(keytab)).toThrow(RangeError);
      expect(() => sourceOf(keytab)).toThrow(/^keytab: /);
    }
  });
});

describe("a keytab of one's own", () => {
  test("is a function that gives keys", () => {
    const keytab = () => KEYS;
    expect(sourceOf(keytab).source).toBe(keytab);
  });

  test("is whatever gives a service's keys, by its principal", () => {
    const asked: unknown[] = [];
    const keytab = {
      serviceKeys: (principal?: unknown) => {
        asked.push(principal);
        return KEYS;
      },
    };
    expect(sourceOf(keytab).source()).toBe(KEYS);
    expect(sourceOf(keytab, OTHER).source()).toBe(KEYS);
    expect(asked).toEqual([undefined, OTHER]);
  });

  test.each([7, null, undefined, {}])("is not %j", (keytab) => {
    expect(() => sourceOf(keytab as never)).toThrow(
      new TypeError("keytab: expected a path, a KeytabFile or a function that gives the service's keys"),
    );
  });

  test("is of a principal", () => {
    expect(() => sourceOf(path, "no principal")).toThrow(
      expect.objectContaining({ reason: "KRB_ERR_GENERIC", details: { field: "service" } }),
    );
  });
});

describe("keys that can't be had", () => {
  const error = new Error("/secret/path");

  test("refuse with a fixed text, and the cause is told apart", () => {
    const onFailure = vi.fn();
    const source = () => {
      throw error;
    };
    expect(() => currentKeys(source, { onFailure })).toThrow(
      expect.objectContaining({
        reason: "KDC_ERR_SVC_UNAVAILABLE",
        message: "the service can't read its keytab; try again",
        details: {},
      }),
    );
    expect(onFailure.mock.calls).toEqual([[error]]);
  });

  test("and those that can are given as they are", () => {
    const onFailure = vi.fn();
    expect(currentKeys(() => KEYS, { onFailure })).toBe(KEYS);
    expect(onFailure).not.toHaveBeenCalled();
  });
});
