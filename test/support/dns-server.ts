/** A name server over UDP on loopback that knows SRV records (RFC 1035, RFC 2782), and nothing else. */
import { createSocket } from "node:dgram";
import { promises as dns } from "node:dns";
import { once } from "node:events";
import type { SrvRecord } from "../../src/client/kdc/srv-order.js";

/** What it is asked and says. */
export interface DnsServer extends AsyncDisposable {
  /** The records of each name, in lower case; a name that is not here does not exist. */
  readonly records: Map<string, readonly SrvRecord[]>;
  /** The names that it was asked for. */
  readonly asked: string[];
  /** Whether it says nothing at all. */
  isSilent: boolean;
  /** A resolver that asks it, once, and waits so many milliseconds. */
  resolver(timeout?: number): dns.Resolver;
}

const NO_SUCH_NAME = 3;

/** Starts one on a free port. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const server: DnsServer = {
    records: new Map(),
    asked: [],
    isSilent: false,
    resolver: (timeout = 5_000) => {
      const resolver = new dns.Resolver({ timeout, tries: 1 });
      resolver.setServers([`127.0.0.1:${port}`]);
      return resolver;
    },
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
  socket.on("message", (query, { port: from, address }) => {
    const { name, end } = nameAt(query, 12);
    server.asked.push(name);
    if (!server.isSilent)
      socket.send(answer(query.subarray(0, end + 4), server.records.get(name.toLowerCase())), from, address);
  });
  return server;
}

/** An answer to a question: its header and question with the records behind. */
function answer(question: Buffer, records: readonly SrvRecord[] | undefined): Buffer {
  const head = Buffer.from(question);
  // A response, recursion desired and available.
  head.writeUInt16BE(0x8180 | (records === undefined ? NO_SUCH_NAME : 0), 2);
  head.writeUInt16BE(records?.length ?? 0, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...(records ?? []).map(recordBytes)]);
}

function recordBytes({ name, port, priority, weight }: SrvRecord): Buffer {
  const target = encodedName(name);
  const fixed = Buffer.alloc(18);
  fixed.writeUInt16BE(0xc00c, 0); // the name of the question
  fixed.writeUInt16BE(33, 2); // SRV
  fixed.writeUInt16BE(1, 4); // IN
  fixed.writeUInt32BE(60, 6);
  fixed.writeUInt16BE(6 + target.length, 10);
  fixed.writeUInt16BE(priority, 12);
  fixed.writeUInt16BE(weight, 14);
  fixed.writeUInt16BE(port, 16);
  return Buffer.concat([fixed, target]);
}

function encodedName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.alloc(1),
  ]);
}

function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  while (message[at] !== 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + message[at]!));
    at += 1 + message[at]!;
  }
  return { name: labels.join("."), end: at + 1 };
}
