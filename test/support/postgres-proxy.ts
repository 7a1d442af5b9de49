/**
 * A network between a store and PostgreSQL that can be broken: connections are cut, or whatever the server
 * tells one that listens is lost while the connection looks well.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  listens: boolean;
}

/** A proxy that runs until it is disposed of. */
export class PostgresProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isCut = false;
  #isDeaf = false;
  #onQuery: (text: string, cut: () => void) => void = () => {};

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.#isCut) {
        client.destroy();
        return;
      }
      const server = connect(target, "127.0.0.1");
      const pair: Pair = { client, server, listens: false };
      this.#pairs.add(pair);
      const end = () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      };
      client.on("data", (chunk) => {
        const text = chunk.toString("latin1");
        if (text.includes("LISTEN ")) pair.listens = true;
        this.#onQuery(text, end);
        if (!client.destroyed && !(pair.listens && this.#isDeaf)) server.write(chunk);
      });
      server.on("data", (chunk) => {
        if (!(pair.listens && this.#isDeaf)) client.write(chunk);
      });
      for (const side of [client, server]) side.on("error", end).on("close", end);
    });
  }

  /** Starts one before the PostgreSQL on a port. */
  static async start(target: number): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Loses whatever goes to and fro on connections that listen, and nothing else. */
  deafen(isDeaf: boolean): void {
    this.#isDeaf = isDeaf;
  }

  /** Cuts every connection and takes no other, or takes them again. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) for (const { client } of this.#pairs) client.destroy();
  }

  /** Is told of what clients send, and may cut the connection before it arrives. */
  onQuery(listener: (text: string, cut: () => void) => void): void {
    this.#onQuery = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut(true);
    this.#server.close();
    await once(this.#server, "close");
  }
}
