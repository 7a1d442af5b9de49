/**
 * The certificates of servers that run: a changed file is taken over within seconds, or at once by `reload`.
 *
 * A program that renews certificates writes key and certificate one after the other, or points a link at a
 * new folder. So files that have just changed are left alone until they have not changed for a second, and a
 * pair that does not match, or is broken, changes nothing: it is reported once and tried again when a file
 * changes.
 */
import type * as grpc from "@grpc/grpc-js";
import { followedFileIdentity } from "../../files/file-identity.js";
import { descriptorOf } from "../../files/secret-file.js";
import { changeServerCredentials } from "../../rpc/grpc-js-internals.js";
import { type ServerTls, serverTls, type TlsFiles } from "../session/tls.js";

/** How often the files are looked at, in milliseconds. */
const INTERVAL_MS = 1_000;

/** Told of each change, and of each that is not made. */
export type OnTlsChange = (text: string, failed: boolean) => void;

/** The credentials of servers, as fresh as their files. */
export class LiveTls implements Disposable {
  readonly credentials: grpc.ServerCredentials;
  readonly #files: TlsFiles;
  readonly #onChange: OnTlsChange;
  readonly #timer: NodeJS.Timeout | undefined;
  /** What was last read, whether it could be used or not. */
  #read: string;
  /** What was there at the last look. */
  #seen: string;
  /** What the files held that is in use. */
  #current: ServerTls;
  #turn: Promise<void> = Promise.resolve();

  private constructor(tls: ServerTls, files: TlsFiles, identity: string, onChange: OnTlsChange) {
    this.credentials = tls.credentials;
    this.#current = tls;
    this.#files = files;
    this.#onChange = onChange;
    this.#read = identity;
    this.#seen = identity;
    if (!isGivenOnce(files)) this.#timer = setInterval(() => void this.look(), INTERVAL_MS).unref();
  }

  /** Reads the files; undefined for plaintext. Throws as `serverTls`. */
  static async open(files: TlsFiles, onChange: OnTlsChange): Promise<LiveTls | undefined> {
    const identity = identityOf(files);
    const tls = await serverTls(files);
    return tls && new LiveTls(tls, files, identity, onChange);
  }

  /** When the certificates that are in use begin to end, as `ServerTls` has it. */
  get ends(): ReadonlyMap<string, number> {
    return this.#current.ends;
  }

  /** Takes over files that have changed and are at rest. Does not throw. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      const identity = identityOf(this.#files);
      const isAtRest = identity === this.#seen;
      this.#seen = identity;
      if (isAtRest && identity !== this.#read) await this.#take(identity);
    });
  }

  /** Takes over the files as they are now. Does not throw. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      if (isGivenOnce(this.#files)) this.#onChange(`${STAYS}: it came through a descriptor, once`, true);
      else await this.#take(identityOf(this.#files));
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #take(identity: string): Promise<void> {
    this.#read = identity;
    try {
      const latest = await serverTls(this.#files);
      if (latest === undefined || latest.credentials._equals(this.#current.credentials)) return;
      changeServerCredentials(this.credentials, latest.credentials);
      this.#current = latest;
      this.#onChange("new TLS certificate, key or authorities from now on", false);
    } catch (error) {
      this.#onChange(`${STAYS}: ${(error as Error).message}`, true);
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }
}

const STAYS = "the TLS certificate stays as it is";

function isGivenOnce(files: TlsFiles): boolean {
  return pathsOf(files).some((path) => descriptorOf(path) !== undefined);
}

/** What tells one state of the files from another. */
function identityOf(files: TlsFiles): string {
  return pathsOf(files).map(identityOfPath).join("\n");
}

function identityOfPath(path: string): string {
  try {
    return followedFileIdentity(path)?.text ?? "none";
  } catch (error) {
    return String(error);
  }
}

function pathsOf({ cert, key, clientCa }: TlsFiles): string[] {
  return [cert, key, clientCa].filter((path) => path !== undefined);
}
