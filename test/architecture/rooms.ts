/** The rooms of the house, from the bottom up, and what each may import (docs/design.md draws them). */

export interface Room {
  /** Rooms it may import, besides itself. */
  readonly rooms: readonly string[];
  /** Rooms whose types it may import, and nothing else of them. */
  readonly types?: readonly string[];
  /** Packages it may import; one that ends in a colon stands for all that begin so. */
  readonly packages: readonly string[];
}

const PROTOBUF = "@bufbuild/protobuf";
const GRPC = "@grpc/grpc-js";
const ABOVE_RPC = [PROTOBUF, GRPC, "node:"];

/** What the rooms above services and client may use. */
const ABOVE = [
  "errors",
  "collections",
  "services",
  "client",
  "realm",
  "store",
  "shared-key",
  "files",
  "formats",
  "canonical",
  "protocol",
  "gen",
  "rpc",
];

export const ROOMS: Readonly<Record<string, Room>> = {
  errors: { rooms: [], packages: [] },
  collections: { rooms: [], packages: [] },
  des: { rooms: [], packages: [] },
  crypto: { rooms: ["des"], packages: ["node:crypto", "node:util"] },
  gen: { rooms: [], packages: [PROTOBUF] },
  canonical: { rooms: ["gen"], packages: [PROTOBUF, "node:buffer"] },
  protocol: {
    rooms: ["errors", "collections", "crypto", "canonical", "gen"],
    packages: [PROTOBUF, "node:buffer", "node:util"],
  },
  formats: { rooms: ["errors", "protocol", "gen"], packages: ["node:buffer"] },
  files: { rooms: ["errors"], packages: ["node:", "fs-native-extensions"] },
  "shared-key": { rooms: ["errors", "files", "protocol"], packages: ["node:"] },
  store: {
    rooms: ["errors", "collections", "protocol", "canonical", "gen", "files"],
    packages: [PROTOBUF, "node:"],
  },
  realm: {
    rooms: ["errors", "collections", "store", "formats", "files", "protocol", "gen"],
    packages: ["node:"],
  },
  rpc: {
    rooms: ["errors", "collections", "protocol", "canonical", "gen"],
    packages: [...ABOVE_RPC, "protobufjs", "@opentelemetry/api"],
  },
  services: {
    rooms: [
      "errors",
      "collections",
      "realm",
      "store",
      "shared-key",
      "rpc",
      "formats",
      "protocol",
      "gen",
      "files",
    ],
    packages: [...ABOVE_RPC, "prom-client"],
  },
  client: {
    rooms: ["errors", "collections", "shared-key", "rpc", "formats", "protocol", "gen", "files"],
    packages: ABOVE_RPC,
  },
  connect: { rooms: ABOVE, packages: [...ABOVE_RPC, "@connectrpc/connect", "@connectrpc/connect-node"] },
  testing: { rooms: ABOVE, packages: ABOVE_RPC },
  lab: { rooms: ABOVE, packages: ABOVE_RPC },
  // What runs in a browser: lab/page.
  page: { rooms: ["des"], types: ["lab"], packages: ["preact"] },
  cli: { rooms: [...ABOVE, "lab"], packages: [...ABOVE_RPC, "csv-parse"] },
};

/** A database's driver, a parser, or other people's native code, is known to one file. */
export const DRIVERS: Readonly<Record<string, RegExp>> = {
  lmdb: /^store\/lmdb\/store\.ts$/,
  ioredis: /^store\/redis\/[a-z-]+\.ts$/,
  "@opentelemetry/api": /^rpc\/tracing\.ts$/,
  "prom-client": /^services\/metrics\/prometheus\.ts$/,
  "node-pg-migrate": /^store\/postgres\/steps\.ts$/,
  pg: /^store\/postgres\/[a-z-]+\.ts$/,
  "smol-toml": /^cli\/config\/read\.ts$/,
  pino: /^cli\/serving\/server-log\.ts$/,
  protobufjs: /^rpc\/proto-(?:files|descriptors)\.ts$/,
  "fs-native-extensions": /^files\/locked-file\.ts$/,
};

/** The one file that reads what grpc-js keeps private. */
export const INTERNALS = "rpc/grpc-js-internals.ts";

/** Rooms without clock, timers, process, files or sockets: what they need is a parameter. */
export const PURE = ["errors", "collections", "des", "crypto", "canonical", "protocol", "formats"];

/** Rooms with a door, `index.ts`; inside the house, files are imported by their own names. */
export const WITH_INDEX = ["des", "services", "client", "connect", "testing"];

/**
 * The room of a source. `*_grpc.ts` in gen counts as part of rpc: it is where a call begins and ends. What is
 * in lab/page runs in a browser, and is a room of its own.
 */
export function roomOf(path: string): string {
  if (path.startsWith("lab/page/")) return "page";
  return path.startsWith("gen/") && path.endsWith("_grpc.ts") ? "rpc" : path.slice(0, path.indexOf("/"));
}
