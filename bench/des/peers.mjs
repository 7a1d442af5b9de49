/**
 * The implementations we compare with. A peer is a function from a cell (size, mode, direction, with or
 * without the key schedule) to the work of one call, checked once against our own result. Peers get their
 * data in the form they handle best, converted beforehand and not converted back, which favours them.
 */
import { fork, spawnSync } from "node:child_process";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as des from "../../dist/des/index.js";

export const KEY = Uint8Array.of(0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1);
export const IV = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const KEY3 = Uint8Array.from([...KEY, ...KEY.map((b) => b ^ 0x44), ...KEY.map((b) => b ^ 0x88)]);
const latin1 = (data) => Buffer.from(data).toString("latin1");
const hex = (data) => Buffer.from(data).toString("hex");

/** The message of a cell. */
export function message(size) {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 7)) & 255);
}

/** Every peer that runs in this process; one that is not installed is noted and left out. */
export async function openPeers(note) {
  const require = createRequire(process.env.DES_BENCH_PEERS ?? import.meta.url);
  const peers = {
    ours: ours(KEY, true),
    "ours, new buffer": ours(KEY, false),
    "ours 3DES": ours(KEY3, true),
    "node des-ede3": nodeCrypto("des-ede3", [KEY, KEY, KEY]),
  };
  for (const [name, make] of [
    ["des.js", desJs],
    ["crypto-js", cryptoJs],
    ["node-forge", nodeForge],
  ]) {
    try {
      peers[name] = make(require(name));
    } catch (error) {
      note(`${name} skipped: ${error.code === "MODULE_NOT_FOUND" ? "not installed" : error.message}`);
    }
  }
  return peers;
}

/** Into a ready buffer, like OpenSSL's calls in C, or into a new one for each call, like all the others. */
function ours(key, ready) {
  return ({ size, mode, direction, withKey }) => {
    const data = message(size);
    const output = ready ? new Uint8Array(size) : undefined;
    const schedule = des.createKeySchedule(key);
    const crypt = { ecb: { encrypt: des.encryptEcb, decrypt: des.decryptEcb } }[mode]?.[direction];
    if (crypt)
      return withKey
        ? () => crypt(des.createKeySchedule(key), data, output)
        : () => crypt(schedule, data, output);
    const chain = direction === "encrypt" ? des.encryptCbc : des.decryptCbc;
    return withKey
      ? () => chain(des.createKeySchedule(key), IV, data, output)
      : () => chain(schedule, IV, data, output);
  };
}

/** node:crypto. Without the key schedule, one cipher object is used throughout. */
export function nodeCrypto(cipher, keys) {
  const key = Buffer.concat(keys);
  return ({ size, mode, direction, withKey }) => {
    const data = message(size);
    const make = direction === "encrypt" ? createCipheriv : createDecipheriv;
    const name = mode === "cbc" ? `${cipher.replace(/-ecb$/, "")}-cbc` : cipher;
    const open = () => make(name, key, mode === "cbc" ? IV : null).setAutoPadding(false);
    const whole = () => Buffer.concat([...pieces(open())]);
    const pieces = function* (c) {
      yield c.update(data);
      yield c.final();
    };
    check(name, whole(), { size, mode, direction });
    const kept = open();
    return withKey
      ? () => {
          const c = open();
          const out = c.update(data);
          c.final();
          return out;
        }
      : () => kept.update(data);
  };
}

function desJs({ DES, CBC }) {
  const chained = CBC.instantiate(DES);
  return ({ size, mode, direction, withKey }) => {
    const data = message(size);
    const open = () =>
      (mode === "cbc" ? chained : DES).create({ type: direction, key: KEY, iv: IV, padding: false });
    const whole = (c) => c.update(data).concat(c.final());
    check("des.js", whole(open()), { size, mode, direction });
    const kept = open();
    return withKey ? () => whole(open()) : () => kept.update(data);
  };
}

function cryptoJs(CryptoJS) {
  const words = (data) => CryptoJS.lib.WordArray.create(data);
  return ({ size, mode, direction, withKey }) => {
    const data = words(message(size));
    const options = {
      mode: CryptoJS.mode[mode.toUpperCase()],
      padding: CryptoJS.pad.NoPadding,
      iv: words(IV),
    };
    const key = words(KEY);
    const open = () =>
      CryptoJS.algo.DES[direction === "encrypt" ? "createEncryptor" : "createDecryptor"](key, options);
    const got = Buffer.from(open().finalize(data.clone()).toString(CryptoJS.enc.Hex), "hex");
    check("crypto-js", got, { size, mode, direction });
    const kept = open();
    return withKey ? () => open().finalize(data) : () => kept.process(data);
  };
}

function nodeForge(forge) {
  return ({ size, mode, direction, withKey }) => {
    const data = latin1(message(size));
    const make = direction === "encrypt" ? forge.cipher.createCipher : forge.cipher.createDecipher;
    const open = () => make(`DES-${mode.toUpperCase()}`, latin1(KEY));
    const whole = (c) => {
      c.start({ iv: latin1(IV) });
      c.update(forge.util.createBuffer(data));
      c.finish(() => true);
      return c.output;
    };
    check("node-forge", Buffer.from(whole(open()).getBytes(), "latin1"), { size, mode, direction });
    const kept = open();
    return withKey ? () => whole(open()) : () => whole(kept);
  };
}

function check(name, got, { size, mode, direction }) {
  const expected = ours(KEY, false)({ size, mode, direction, withKey: true })();
  if (hex(got) !== hex(expected))
    throw new Error(`${name} disagrees in ${mode} ${direction} of ${size} bytes`);
}

/** node:crypto's single DES, in a child process that has the legacy provider. */
export async function openLegacyNode(note) {
  const child = fork(fileURLToPath(new URL("legacy-node.mjs", import.meta.url)), {
    execArgv: ["--openssl-legacy-provider"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let settle = () => {};
  child.on("message", (value) => settle(value));
  child.on("exit", () => settle(undefined));
  const answer = () =>
    new Promise((resolve) => {
      settle = resolve;
    });
  if ((await answer()) !== "ready") {
    note("node:crypto with the legacy provider skipped: not to be had here");
    return undefined;
  }
  return {
    sample(cell, ms) {
      const { size, mode, direction, withKey } = cell;
      child.send({ size, mode, direction, withKey, ms });
      return answer();
    },
    close: () => child.disconnect(),
  };
}

/**
 * OpenSSL's DES in C, twice: the figures of `openssl speed` (no key schedule, no set-up, at least a second
 * per figure), and those of a small C program on the same library, if a compiler and the headers are
 * installed, which also counts the key schedule.
 */
export function openOpenssl(note, quick) {
  const program = join(tmpdir(), `openssl-des-${process.pid}`);
  const source = fileURLToPath(new URL("openssl-des.c", import.meta.url));
  const compiled = spawnSync("cc", ["-O2", "-w", "-o", program, source, "-lcrypto"]).status === 0;
  if (!compiled) note("OpenSSL in C with the key schedule skipped: no C compiler or no OpenSSL headers");
  const speed = ({ mode, direction, size }) => {
    const args = ["speed", "-provider", "legacy", "-provider", "default", "-evp", `des-${mode}`];
    if (direction === "decrypt") args.push("-decrypt");
    const { stdout } = spawnSync("openssl", [...args, "-bytes", String(size), "-seconds", "1"], {
      encoding: "utf8",
    });
    const rate = /^DES-\w+\s+([\d.]+)k$/m.exec(stdout ?? "")?.[1];
    return rate === undefined ? undefined : (size / (Number(rate) * 1000)) * 1e9;
  };
  const speaks = speed({ mode: "ecb", direction: "encrypt", size: 64 }) !== undefined;
  if (!speaks) note("openssl speed skipped: no openssl command with the legacy provider");
  return {
    sample(cell, ms, round) {
      const { mode, direction, size, withKey } = cell;
      const times = {};
      // A second per figure: one round in the middle for most sizes, three for those with targets.
      const wanted = quick ? round === 1 : [200, 65536].includes(size) ? round % 2 === 1 : round === 1;
      if (speaks && !withKey && wanted) times["openssl speed"] = speed(cell);
      if (compiled) {
        const args = [mode, direction, String(size), withKey ? "key" : "nokey", String(ms)];
        const [calls, evp] = spawnSync(program, args, { encoding: "utf8" })
          .stdout.trim()
          .split(" ")
          .map(Number);
        times["OpenSSL C"] = calls;
        if (withKey && evp > 0) times["OpenSSL EVP"] = evp;
      }
      return times;
    },
  };
}
